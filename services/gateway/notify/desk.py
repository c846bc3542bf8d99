"""What owners do about their webhooks, notifications and price alerts. Every call names the owner."""

import secrets
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cleartide.money import parse_decimal
from cleartide.store.truth import Row, TruthStore

from services.gateway.domain.notices import CHANNELS, OUTSIDE, PRIORITIES, TYPES
from services.gateway.domain.occurrences import ALL_KINDS, Occurrence
from services.gateway.edge.errors import ApiError
from services.gateway.identity.secret import Secrets
from services.gateway.notify import sealing, signing
from services.gateway.notify.addresses import Networks
from services.gateway.notify.audience import owner_of
from services.gateway.notify.postman import Clock, now_micros
from services.gateway.notify.queue import add_delivery
from services.gateway.notify.sender import address_of

MOST_ENDPOINTS: Final = 20
MOST_PRICE_ALERTS: Final = 100
MOST_REPLAYED: Final = 1_000
BOTH_SECRETS_MICROS: Final = 24 * 3_600 * 1_000_000
_ENDPOINT: Final = "id, url, kinds, description, state, reason, failures, failing_since, resume_at, created_at"
_DELIVERY: Final = (
    "id, event_id, kind, state, attempts, replays, next_at, created_at, delivered_at, last_status, last_error, body"
)


class WebhookDesk:
    """Endpoints and their deliveries."""

    def __init__(
        self,
        store: TruthStore,
        networks: Networks,
        clock: Clock = now_micros,
        *,
        installation: Secrets | None = None,
    ) -> None:
        """`installation`: what seals the signing secrets; the schema's own without it."""
        self._store, self._networks, self._clock = store, networks, clock
        self._installation = installation or Secrets(store)

    async def add_endpoint(self, owner: str, url: str, kinds: Sequence[str], description: str = "") -> dict[str, Any]:
        """A new endpoint, with its signing secret, which is not shown again."""
        ident, secret = f"we_{secrets.token_hex(10)}", signing.new_secret()
        row: dict[str, Any] = {
            "id": ident,
            "owner": owner,
            "url": self._checked(url),
            "kinds": _kinds(kinds),
            "description": description,
            "secret": await sealing.closed(self._installation, ident, secret),
            "state": "active",
            "created_at": self._clock(),
        }
        async with self._store.acting() as truth:
            # Of several at once each waits for the one before it, so that together they keep to the number.
            await truth.fetch("SELECT pg_advisory_xact_lock(hashtext($1))", f"webhooks:{owner}")
            held = await truth.first("SELECT count(*) AS n FROM webhook_endpoints WHERE owner = $1", owner)
            if held is not None and held["n"] >= MOST_ENDPOINTS:
                raise ApiError(409, "too_many_endpoints", f"There may be {MOST_ENDPOINTS} endpoints at most.")
            await truth.add("webhook_endpoints", **row)
        return {**await self.get(owner, ident), "secret": secret}

    async def endpoints(self, owner: str) -> list[dict[str, Any]]:
        """All endpoints of an owner."""
        async with self._store.acting() as truth:
            rows = await truth.fetch(
                f"SELECT {_ENDPOINT} FROM webhook_endpoints WHERE owner = $1 ORDER BY created_at, id LIMIT $2",  # noqa: S608
                owner,
                MOST_ENDPOINTS,
            )
        return [dict(row) for row in rows]

    async def get(self, owner: str, endpoint: str) -> dict[str, Any]:
        """One endpoint. ApiError 404 also for what is somebody else's."""
        async with self._store.acting() as truth:
            row = await truth.first(
                f"SELECT {_ENDPOINT} FROM webhook_endpoints WHERE id = $1 AND owner = $2 LIMIT 1",  # noqa: S608
                endpoint,
                owner,
            )
        return dict(_found(row))

    async def change(self, owner: str, endpoint: str, **to: Any) -> dict[str, Any]:
        """New url, kinds or description; `state` "active" switches on again with a clean slate, "disabled" off."""
        change = {name: value for name, value in to.items() if value is not None}
        if "url" in change:
            change["url"] = self._checked(change["url"])
        if "kinds" in change:
            change["kinds"] = _kinds(change["kinds"])
        if change.get("state") == "active":
            change |= {"reason": "", "failures": 0, "failing_since": None, "resume_at": 0}
        elif change.get("state") == "disabled":
            change["reason"] = "switched off by its owner"
        if change:
            async with self._store.acting() as truth:
                _one(await truth.change("webhook_endpoints", {"id": endpoint, "owner": owner}, **change))
        return await self.get(owner, endpoint)

    async def remove(self, owner: str, endpoint: str) -> None:
        """Remove an endpoint with its history."""
        async with self._store.acting() as truth:
            if not await truth.remove("webhook_endpoints", {"id": endpoint, "owner": owner}):
                raise _unknown()

    async def rotate(self, owner: str, endpoint: str) -> dict[str, Any]:
        """A new signing secret; for a day both sign, so that the receiver can change over without losing one."""
        secret = signing.new_secret()
        kept = await sealing.closed(self._installation, endpoint, secret)
        async with self._store.acting() as truth:
            row = _found(
                await truth.first(
                    "SELECT secret FROM webhook_endpoints WHERE id = $1 AND owner = $2 LIMIT 1 FOR UPDATE",
                    endpoint,
                    owner,
                )
            )
            until = self._clock() + BOTH_SECRETS_MICROS
            to = {"secret": kept, "previous_secret": row["secret"], "previous_until": until}
            await truth.change("webhook_endpoints", {"id": endpoint, "owner": owner}, **to)
        return {"id": endpoint, "secret": secret, "previous_secret_until": until}

    async def deliveries(
        self, owner: str, endpoint: str, *, state: str | None = None, before: int | None = None, limit: int = 50
    ) -> list[dict[str, Any]]:
        """An endpoint's deliveries, newest first, from before an id on."""
        await self.get(owner, endpoint)
        async with self._store.acting() as truth:
            rows = await truth.fetch(
                f"SELECT {_DELIVERY} FROM webhook_deliveries WHERE endpoint_id = $1 "  # noqa: S608 - columns are above
                "AND ($2::text IS NULL OR state = $2) AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
                endpoint,
                state,
                before,
                limit,
            )
        return [dict(row) for row in rows]

    async def replay(self, owner: str, endpoint: str, *, delivery: int | None = None, state: str = "failed") -> int:
        """Put a delivery, or all of a state, back into the queue under the same event id; returns how many."""
        await self.get(owner, endpoint)
        async with self._store.acting() as truth:
            rows = await truth.fetch(
                "SELECT id, replays FROM webhook_deliveries WHERE endpoint_id = $1 AND state <> 'pending' "
                "AND (id = $2 OR ($2::bigint IS NULL AND state = $3)) ORDER BY id LIMIT $4 FOR UPDATE",
                endpoint,
                delivery,
                state,
                MOST_REPLAYED,
            )
            for row in rows:
                to = {"state": "pending", "attempts": 0, "next_at": 0, "replays": row["replays"] + 1}
                await truth.change("webhook_deliveries", {"id": row["id"]}, **to)
        if delivery is not None and not rows:
            raise ApiError(404, "unknown_delivery", "There is no such delivery that has ended.")
        return len(rows)

    async def ping(self, owner: str, endpoint: str) -> str:
        """Send a test to an endpoint; returns its event id."""
        await self.get(owner, endpoint)
        said = {"setting": "ping", "old": "", "new": "", "test": True}
        occurrence = Occurrence(f"ping-{secrets.token_hex(10)}.0", "system.maintenance", owner, self._clock(), said)
        async with self._store.acting() as truth:
            await add_delivery(truth, endpoint, owner, occurrence)
        return occurrence.id

    def _checked(self, url: str) -> str:
        try:
            return self._networks.check(url)
        except ValueError as error:
            raise ApiError(422, "bad_url", f"This URL cannot be called: {error}.") from error


class NotificationDesk:
    """The inbox, and what somebody wants to be told."""

    def __init__(self, store: TruthStore, offered: Sequence[str], clock: Clock = now_micros) -> None:
        self._store, self._clock, self._offered = store, clock, tuple(offered)

    async def inbox(
        self, owner: str, *, unread: bool = False, before: int | None = None, limit: int = 50
    ) -> dict[str, Any]:
        """What was told in the application, newest first, and how much of it is unread."""
        async with self._store.acting() as truth:
            rows = await truth.fetch(
                "SELECT id, account, kind, type, priority, title, body, state, created_at, expires_at, read_at "
                "FROM notifications WHERE owner = $1 AND in_app AND expires_at > $2 AND (NOT $3 OR read_at IS NULL) "
                "AND ($4::bigint IS NULL OR created_at < $4) ORDER BY created_at DESC, id LIMIT $5",
                owner,
                self._clock(),
                unread,
                before,
                limit,
            )
            count = await truth.first(
                "SELECT count(*) AS n FROM notifications "
                "WHERE owner = $1 AND in_app AND read_at IS NULL AND expires_at > $2",
                owner,
                self._clock(),
            )
        return {"notifications": [dict(row) for row in rows], "unread": count["n"] if count else 0}

    async def read(self, owner: str, idents: Sequence[str] | None = None) -> int:
        """Mark some, or all, as read; returns how many were not."""
        where: dict[str, Any] = {"owner": owner, "read_at": None}
        if idents is not None:
            where["id"] = list(idents)
        async with self._store.acting() as truth:
            return len(await truth.change("notifications", where, read_at=self._clock(), state="read"))

    async def profile(self, owner: str) -> dict[str, Any]:
        """Addresses, choices by type, quiet hours; null quiet hours are none."""
        async with self._store.acting() as truth:
            row = await truth.first("SELECT * FROM notification_profiles WHERE owner = $1 LIMIT 1", owner)
            chosen = await truth.fetch(
                "SELECT type, channels, least FROM notification_choices WHERE owner = $1 ORDER BY type LIMIT $2",
                owner,
                len(TYPES),
            )
        quiet = None
        if row is not None and row["quiet_begin"] is not None:
            begin, end = (_clock_text(row[name]) for name in ("quiet_begin", "quiet_end"))
            quiet = {"begin": begin, "end": end, "time_zone": row["time_zone"]}
        return {
            "addresses": {channel: row[channel] if row else "" for channel in OUTSIDE},
            "choices": {one["type"]: {"channels": one["channels"], "least": one["least"]} for one in chosen},
            "quiet_hours": quiet,
            "offered": ["in_app", *self._offered],
        }

    async def set_profile(
        self,
        owner: str,
        *,
        addresses: Mapping[str, str],
        choices: Mapping[str, tuple[Sequence[str], str]],
        quiet: tuple[str, str, str] | None,
    ) -> dict[str, Any]:
        """Replace the profile as a whole. ApiError 422 where something in it is not known."""
        row = _profile_row(owner, addresses, quiet, self._clock())
        chosen = [_choice_row(owner, name, *choice) for name, choice in sorted(choices.items())]
        async with self._store.acting() as truth:
            if not await truth.add_new("notification_profiles", **row):
                await truth.change("notification_profiles", {"owner": owner}, **row)
            await truth.remove("notification_choices", {"owner": owner})
            for choice in chosen:
                await truth.add("notification_choices", **choice)
        return await self.profile(owner)

    async def add_price_alert(
        self, owner: str, account: str, market: str, direction: str, price: str
    ) -> dict[str, Any]:
        """Be told once, when the mark price is at or beyond a price; at once where it is already."""
        if owner_of(account) != owner:
            raise ApiError(403, "not_yours", "This account is somebody else's.")
        row = {
            "id": f"pa_{secrets.token_hex(10)}",
            "owner": owner,
            "account": account,
            "market": market,
            "direction": direction,
            "price": _price(price),
            "created_at": self._clock(),
        }
        async with self._store.acting() as truth:
            await truth.fetch("SELECT pg_advisory_xact_lock(hashtext($1))", f"price_alerts:{owner}")
            held = await truth.first(
                "SELECT count(*) AS n FROM price_alerts WHERE owner = $1 AND fired_at IS NULL", owner
            )
            if held is not None and held["n"] >= MOST_PRICE_ALERTS:
                raise ApiError(409, "too_many_alerts", f"There may be {MOST_PRICE_ALERTS} open price alerts at most.")
            await truth.add("price_alerts", **row)
        return {**row, "fired_at": None}

    async def price_alerts(self, owner: str) -> Sequence[dict[str, Any]]:
        """Open and fired ones, newest first."""
        async with self._store.acting() as truth:
            rows = await truth.fetch(
                "SELECT * FROM price_alerts WHERE owner = $1 ORDER BY created_at DESC LIMIT $2",
                owner,
                MOST_PRICE_ALERTS,
            )
        return [dict(row) for row in rows]

    async def remove_price_alert(self, owner: str, ident: str) -> None:
        """Take it back. ApiError 404."""
        async with self._store.acting() as truth:
            if not await truth.remove("price_alerts", {"id": ident, "owner": owner}):
                raise ApiError(404, "unknown_alert", "There is no such price alert.")


def _kinds(kinds: Sequence[str]) -> Sequence[str]:
    unknown = sorted(set(kinds) - set(ALL_KINDS))
    if unknown or not kinds:
        raise ApiError(
            422, "unknown_kind", "A webhook is for some of these kinds.", {"kinds": ALL_KINDS, "unknown": unknown}
        )
    return sorted(set(kinds))


def _profile_row(
    owner: str, addresses: Mapping[str, str], quiet: tuple[str, str, str] | None, at: int
) -> dict[str, Any]:
    row: dict[str, Any] = {"owner": owner, "changed_at": at}
    try:
        row |= {name: address_of(name, addresses[name]) if addresses.get(name) else "" for name in OUTSIDE}
        begin, end, zone = (_minute(quiet[0]), _minute(quiet[1]), quiet[2]) if quiet else (None, None, "UTC")
        ZoneInfo(zone)
    except (ValueError, ZoneInfoNotFoundError, OSError) as error:
        raise ApiError(422, "bad_profile", f"This profile cannot be kept: {error}.") from error
    return {**row, "quiet_begin": begin, "quiet_end": end, "time_zone": zone}


def _choice_row(owner: str, name: str, channels: Sequence[str], least: str) -> dict[str, Any]:
    if name not in TYPES or least not in PRIORITIES or set(channels) - set(CHANNELS):
        known = {"types": TYPES, "channels": CHANNELS, "priorities": PRIORITIES}
        raise ApiError(422, "bad_choice", "A choice is of known types, channels and priorities.", known)
    return {"owner": owner, "type": name, "channels": list(channels), "least": least}


def _minute(text: str) -> int:
    hours, colon, minutes = text.partition(":")
    if not (colon and hours.isdecimal() and minutes.isdecimal() and int(hours) < 24 and int(minutes) < 60):
        raise ValueError(f"{text!r} is no time of day such as 22:30")
    return int(hours) * 60 + int(minutes)


def _clock_text(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _price(text: str) -> str:
    try:
        price: Decimal = parse_decimal(text)
    except ValueError as error:
        raise ApiError(422, "bad_price", f"This is no price: {error}.") from error
    if price <= 0:
        raise ApiError(422, "bad_price", "A price is more than nothing.")
    return text


def _unknown() -> ApiError:
    return ApiError(404, "unknown_endpoint", "There is no such webhook endpoint.")


def _found(row: Row | None) -> Row:
    if row is None:
        raise _unknown()
    return row


def _one(rows: Sequence[Row]) -> Row:
    if not rows:
        raise _unknown()
    return rows[0]
