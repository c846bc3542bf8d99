"""What people are told, by which ways and when: types, priorities, choices and quiet hours. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, Literal

from services.gateway.domain.occurrences import RISK_ALERT, Occurrence

Type = Literal["transaction", "security", "risk", "system", "promotion"]
Priority = Literal["low", "normal", "high", "urgent"]
Channel = Literal["in_app", "email", "push", "chat"]
State = Literal["pending", "sent", "delivered", "failed", "read"]

TYPES: Final[tuple[Type, ...]] = ("transaction", "security", "risk", "system", "promotion")
PRIORITIES: Final[tuple[Priority, ...]] = ("low", "normal", "high", "urgent")
CHANNELS: Final[tuple[Channel, ...]] = ("in_app", "email", "push", "chat")
OUTSIDE: Final[tuple[Channel, ...]] = ("email", "push", "chat")
MINUTES_OF_DAY: Final = 1_440
LIFE_MICROS: Final = 90 * 24 * 3_600 * 1_000_000
_LEVELS: Final[Mapping[str, Priority]] = {
    "liquidatable": "urgent",
    "critical": "urgent",
    "warning": "high",
    "watch": "normal",
    "resolved": "normal",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification before it is anybody's row."""

    type: Type
    priority: Priority
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The ways that somebody wants for a type, from a priority on."""

    channels: tuple[str, ...]
    least: Priority = "low"


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From one minute of the day to another, in a time zone; over midnight when the second is not greater."""

    begin: int
    end: int
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Profile:
    """What somebody wants to be told. Without a word of his own: all of it in the application, and what is urgent or
    high by every way for which he has given an address.
    """

    account: str
    addresses: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, Choice] = field(default_factory=dict)
    quiet: QuietHours | None = None


def notice_of(occurrence: Occurrence) -> Notice | None:
    """The words for an occurrence; None for what is said to programs and not to people."""
    said, kind = occurrence.data, occurrence.kind
    market = said.get("market") or ""
    match kind:
        case "order.filled":
            text = f"{said['side']} {_or_some(said['size'])} {market} at {_or_some(said['price'])}"
            return Notice("transaction", "normal", "Order filled", text)
        case "position.liquidated":
            text = f"{market}: {_or_some(said['closed'])} closed at mark {_or_some(said['mark'])}, fee {said['fee']}"
            return Notice("risk", "urgent", "Position liquidated", text)
        case "collateral.added" | "collateral.removed":
            title = "Collateral added" if kind == "collateral.added" else "Collateral removed"
            return Notice("transaction", "normal", title, f"{said['asset']} {said.get('amount', '')}".strip())
        case "account.created":
            return Notice("security", "normal", "Account opened", f"{occurrence.account}, of {said.get('parent', '')}")
        case "account.updated":
            return Notice("security", "high", "Account changed", f"{said['what']} of {occurrence.account}")
        case "price.alert":
            text = f"{market} is {said['direction']} {said['price']}: the mark is {_or_some(said['mark'])}"
            return Notice("transaction", "high", "Price alert", text)
        case "system.maintenance":
            return Notice(
                "system", "high", "Venue setting changed", f"{said['setting']}: {said['old']} -> {said['new']}"
            )
        case _ if kind == RISK_ALERT:
            return _alert_notice(said)
    return None


def _alert_notice(said: Mapping[str, Any]) -> Notice:
    level = str(said["level"])
    figure = f"health factor {said['health_factor']}" if said["alert"] == "health" else f"{said['value']}"
    place = f" in {said['market']}" if said["market"] else ""
    return Notice("risk", _LEVELS[level], f"Risk {level}", f"{said['alert']}{place}: {figure}")


def _or_some(figure: object) -> str:
    return "-" if figure is None else str(figure)


def ways(profile: Profile, notice: Notice) -> tuple[Channel, ...]:
    """The channels of a notice, in a fixed order; those outside only where there is an address.

    What is urgent about risk or security is always shown in the application, whatever was chosen.
    """
    weight = PRIORITIES.index(notice.priority)
    choice = profile.choices.get(notice.type)
    if choice is None:
        wanted: tuple[str, ...] = CHANNELS if weight >= PRIORITIES.index("high") else ("in_app",)
    else:
        wanted = choice.channels if weight >= PRIORITIES.index(choice.least) else ()
    forced = notice.priority == "urgent" and notice.type in ("risk", "security")
    return tuple(
        channel
        for channel in CHANNELS
        if (channel in wanted and (channel == "in_app" or profile.addresses.get(channel)))
        or (channel == "in_app" and forced)
    )


def send_at(profile: Profile, notice: Notice, channel: Channel, at: int) -> int:
    """When a way may be used: now, or when the quiet hours end. Urgent does not wait, and a screen wakes nobody."""
    if profile.quiet is None or channel == "in_app" or notice.priority == "urgent":
        return at
    return quiet_until(profile.quiet, at)


def quiet_until(quiet: QuietHours, at: int) -> int:
    """`at` itself outside of the quiet hours, otherwise the instant of their end, by the zone's own clock."""
    local = datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(quiet.zone)
    minute = local.hour * 60 + local.minute
    if quiet.begin == quiet.end:
        return at
    over_midnight = quiet.end < quiet.begin
    inside = minute >= quiet.begin or minute < quiet.end if over_midnight else quiet.begin <= minute < quiet.end
    if not inside:
        return at
    day = local.date() + timedelta(days=1 if over_midnight and minute >= quiet.begin else 0)
    end = datetime(day.year, day.month, day.day, quiet.end // 60, quiet.end % 60, tzinfo=quiet.zone)
    return max(at, int(end.timestamp()) * 1_000_000)
