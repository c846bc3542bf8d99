"""Secrets at rest: what was kept in the clear, or sealed with a former secret, is sealed with the present one.

Run at every start. When it has run once after a change of `CLEARTIDE_GATEWAY_SECRET`, nothing needs
`CLEARTIDE_GATEWAY_SECRETS_BEFORE` any more.
"""

from typing import Final

import structlog
from cleartide.store.truth import TruthStore

from services.gateway.identity.secret import Secrets, Unsealable
from services.gateway.notify import sealing

log = structlog.get_logger()

PAGE: Final = 500
LACKING: Final = "CLEARTIDE_GATEWAY_SECRETS_BEFORE lacks its secret"
WEBHOOKS: Final = ("secret", "previous_secret")


async def reseal(store: TruthStore, installation: Secrets) -> int:
    """How many secrets were sealed anew. One that no known secret opens is left as it is, and said so."""
    return await _keys(store, installation) + await _webhooks(store, installation)


async def _keys(store: TruthStore, installation: Secrets) -> int:
    done, after = 0, ""
    while True:
        async with store.acting() as truth:
            rows = await truth.fetch(
                "SELECT id, signing_secret FROM api_keys WHERE signing_secret IS NOT NULL AND revoked_at IS NULL "
                "AND id > $1 ORDER BY id LIMIT $2",
                after,
                PAGE,
            )
            for row in rows:
                place, kept = f"key:{row['id']}", row["signing_secret"]
                if await installation.is_present(kept, place):
                    continue
                try:
                    fresh = await installation.seal(await installation.unseal(kept, place), place)
                except Unsealable:
                    log.error("secret_unreadable", place=place, hint=LACKING)
                    continue
                same = {"id": row["id"], "signing_secret": kept}
                done += len(await truth.change("api_keys", same, signing_secret=fresh))
        if len(rows) < PAGE:
            return done
        after = rows[-1]["id"]


async def _webhooks(store: TruthStore, installation: Secrets) -> int:
    done, after = 0, ""
    while True:
        async with store.acting() as truth:
            rows = await truth.fetch(
                "SELECT id, secret, previous_secret FROM webhook_endpoints WHERE id > $1 ORDER BY id LIMIT $2",
                after,
                PAGE,
            )
            for row in rows:
                for name in WEBHOOKS:
                    kept = row[name]
                    if kept is None or await sealing.is_present(installation, row["id"], kept):
                        continue
                    try:
                        fresh = await sealing.closed(
                            installation, row["id"], await sealing.opened(installation, row["id"], kept)
                        )
                    except Unsealable:
                        log.error(
                            "secret_unreadable",
                            place=f"webhook:{row['id']}",
                            hint=LACKING,
                        )
                        continue
                    done += len(await truth.change("webhook_endpoints", {"id": row["id"], name: kept}, **{name: fresh}))
        if len(rows) < PAGE:
            return done
        after = rows[-1]["id"]
