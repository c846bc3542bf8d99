"""Who is to be told: endpoints, profiles and price alerts as they stand in the transaction of a batch."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from cleartide.contracts import MarkPriceUpdated
from cleartide.store.truth import Row, Truth

from services.gateway.domain.notices import Choice, Profile, QuietHours
from services.gateway.domain.occurrences import EVERYBODY, Occurrence, Units

MOST_ENDPOINTS: Final = 10_000
MOST_PROFILES: Final = 10_000
MOST_PRICE_ALERTS: Final = 10_000
SUBACCOUNT_MARK: Final = "--"


def owner_of(account: str) -> str:
    """The account at the head of an account's family."""
    return account.partition(SUBACCOUNT_MARK)[0]


async def endpoints(truth: Truth, told: Sequence[Occurrence]) -> list[tuple[Row, list[Occurrence]]]:
    """Every active endpoint with what it has subscribed to of these occurrences."""
    owners, public = _owners(told)
    rows = await truth.fetch(
        "SELECT id, owner, kinds FROM webhook_endpoints WHERE state = 'active' AND (owner = ANY($1) OR $2) "
        "ORDER BY id LIMIT $3",
        owners,
        public,
        MOST_ENDPOINTS,
    )
    found = [(row, [one for one in told if one.kind in row["kinds"] and _concerns(one, row["owner"])]) for row in rows]
    return [(row, wanted) for row, wanted in found if wanted]


async def profiles(truth: Truth, told: Sequence[Occurrence]) -> dict[str, Profile]:
    """Profiles of the owners concerned, by owner; of everybody who has one when something is of everybody."""
    owners, public = _owners(told)
    rows = await truth.fetch(
        "SELECT owner, email, push, chat, quiet_begin, quiet_end, time_zone FROM notification_profiles "
        "WHERE owner = ANY($1) OR $2 ORDER BY owner LIMIT $3",
        owners,
        public,
        MOST_PROFILES,
    )
    chosen = await truth.fetch(
        "SELECT owner, type, channels, least FROM notification_choices WHERE owner = ANY($1) ORDER BY owner LIMIT $2",
        [row["owner"] for row in rows],
        MOST_PROFILES * 5,
    )
    choices: dict[str, dict[str, Choice]] = {}
    for row in chosen:
        choices.setdefault(row["owner"], {})[row["type"]] = Choice(tuple(row["channels"]), row["least"])
    return {row["owner"]: profile_of(row, choices.get(row["owner"], {})) for row in rows}


def profile_of(row: Row, choices: dict[str, Choice]) -> Profile:
    """A profile from its row."""
    quiet = None
    if row["quiet_begin"] is not None:
        quiet = QuietHours(row["quiet_begin"], row["quiet_end"], ZoneInfo(row["time_zone"]))
    addresses = {channel: row[channel] for channel in ("email", "push", "chat") if row[channel]}
    return Profile(row["owner"], addresses, choices, quiet)


async def crossed(truth: Truth, marks: Iterable[MarkPriceUpdated], units: Units) -> list[Occurrence]:
    """Price alerts that these mark prices reach, each at the first of them; they are marked as fired, once for all."""
    by_market: dict[str, list[tuple[Decimal, str, MarkPriceUpdated]]] = {}
    for mark in marks:
        if (price := units.price(mark.market, mark.mark_ticks)) is not None:
            by_market.setdefault(mark.market, []).append((Decimal(price), price, mark))
    rows = await truth.fetch(
        "SELECT id, account, market, direction, price FROM price_alerts WHERE market = ANY($1) AND fired_at IS NULL "
        "ORDER BY id LIMIT $2",
        list(by_market),
        MOST_PRICE_ALERTS,
    )
    fired = []
    for row in rows:
        wanted, above = Decimal(row["price"]), row["direction"] == "above"
        for value, price, mark in by_market[row["market"]]:
            if value >= wanted if above else value <= wanted:
                await truth.change("price_alerts", {"id": row["id"], "fired_at": None}, fired_at=mark.occurred_at)
                data = {name: row[name] for name in ("market", "direction", "price")}
                told = {**data, "mark": price, "alert_id": row["id"]}
                fired.append(Occurrence(f"{row['id']}.0", "price.alert", row["account"], mark.occurred_at, told))
                break
    return fired


def _owners(told: Sequence[Occurrence]) -> tuple[list[str], bool]:
    accounts = {one.account for one in told}
    return sorted({owner_of(account) for account in accounts} - {EVERYBODY}), EVERYBODY in accounts


def _concerns(occurrence: Occurrence, owner: str) -> bool:
    return occurrence.account == EVERYBODY or owner_of(occurrence.account) == owner
