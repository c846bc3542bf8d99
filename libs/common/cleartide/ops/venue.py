"""The operator's commands for markets and for the venue, as lines of text in and out."""

import argparse
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from cleartide.admin import Admin, AdminRefused
from cleartide.client import PublishError, QueryRefused
from cleartide.contracts import (
    ChangeMarket,
    DelistMarket,
    HaltMarket,
    ListMarket,
    MarketSpec,
    Message,
    ResumeMarket,
    SetAccountTerms,
    SetFeeSchedule,
    SetFunding,
    SetOrderTier,
    SetReferralTerms,
    SetVenueLimits,
    SetVenueMode,
    SetVenueSwitch,
)
from cleartide.ops.catalogue import read_catalogue
from cleartide.ops.settings import OpsSettings

SECOND: Final = 1_000_000
Lines = AsyncIterator[str]
Action = Callable[[Admin, argparse.Namespace], Lines]


async def run(settings: OpsSettings, arguments: argparse.Namespace) -> None:
    """Run one action and print what it says."""
    parts = urlsplit(settings.nats_url)
    user, password = quote(settings.nats_admin_user), quote(settings.nats_admin_password)
    async with Admin.connect(
        f"nats://{user}:{password}@{parts.hostname}:{parts.port or 4222}", source="operator"
    ) as admin:
        action: Action = arguments.action
        try:
            async for line in action(admin, arguments):
                print(line)
        except PublishError as error:
            raise TimeoutError(str(error)) from error
        except QueryRefused as error:
            raise LookupError(str(error)) from error


async def list_markets(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """List the markets of a file that are not listed yet."""
    for spec in _chosen(arguments):
        yield await outcome(admin, spec.market, ListMarket, spec=spec)


async def change_markets(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Bring listed markets to what a file says."""
    versions = {
        market["market"]: market["spec_version"] for market in (await admin.ask("matching", "markets"))["markets"]
    }
    for spec in _chosen(arguments):
        if spec.market not in versions:
            yield f"{spec.market}: is not listed"
            continue
        body = {"spec": spec, "expected_version": versions[spec.market]}
        yield await outcome(admin, spec.market, ChangeMarket, **said(arguments), **body)


async def show_markets(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """How every market trades."""
    for market in (await admin.ask("matching", "markets"))["markets"]:
        if arguments.markets and market["market"] not in arguments.markets:
            continue
        until = f" until {_time(market['ends_at'])}" if market["ends_at"] else ""
        yield (
            f"{market['market']:12} {market['state']}{until}, since {_time(market['since'])}, mark {market['mark']}, "
            f"open interest {market['open_interest']}, rules {market['spec_version']}"
        )


async def halt(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Stop trading in markets."""
    for market in arguments.markets:
        yield await outcome(admin, market, HaltMarket, market=market, state=arguments.state, **said(arguments))


async def resume(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Trade again in markets, after collecting orders for a while where that is asked for."""
    for market in arguments.markets:
        body = {"market": market, "auction_micros": arguments.auction * SECOND}
        yield await outcome(admin, market, ResumeMarket, **body, **said(arguments))


async def delist(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Close markets for good after a notice."""
    for market in arguments.markets:
        body = {"market": market, "notice_micros": arguments.notice * SECOND}
        yield await outcome(admin, market, DelistMarket, **body, **said(arguments))


async def set_funding(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Set a market's funding rate for good or for the open interval, or make it from the premium again."""
    body = {"market": arguments.market, "funding_type": arguments.type, "hourly_rate_ppb": arguments.rate}
    yield await outcome(admin, arguments.market, SetFunding, **body, **said(arguments))


async def show_venue(admin: Admin, _: argparse.Namespace) -> Lines:
    """Mode, switches, limits and tiers."""
    venue = await admin.ask("matching", "venue")
    yield f"mode {venue['mode']}, kill switch {venue['kill_switch']}, maintenance {venue['maintenance']}"
    for mode, limits in venue["limits"].items():
        yield f"limits of {mode}: {_fields(limits)}"
    for tier, caps in venue["tiers"].items():
        yield f"tier {tier}: {_fields(caps)}"


async def show_history(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Who changed what and when, newest first."""
    scope = {"scope": arguments.scope} if arguments.scope else {}
    for change in (await admin.ask("matching", "venue_changes", limit=arguments.limit, **scope))["changes"]:
        who = "/".join(filter(None, (change["source"], change["by"])))
        note = f" ({change['note']})" if change["note"] else ""
        yield (
            f"#{change['change_id']} {_time(change['at'])} {who}: {change['scope']} {change['name']} "
            f"{change['old'] or '-'} -> {change['new'] or '-'}{note}"
        )


async def show_attempts(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """How many orders were accepted, and how many each check refused."""
    market = {"market": arguments.market} if arguments.market else {}
    for row in (await admin.ask("matching", "order_attempts", **market))["attempts"]:
        yield f"{row['attempts']:12} {row['stage']:10} {row['reason']}"


async def set_mode(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Switch between demo and live."""
    yield await outcome(admin, "mode", SetVenueMode, mode=arguments.mode, **said(arguments))


async def set_switch(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Turn the kill switch or the maintenance flag."""
    body = {"switch": arguments.switch, "on": arguments.position == "on"}
    yield await outcome(admin, arguments.switch, SetVenueSwitch, **body, **said(arguments))


async def set_account(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Put an account into a tier, or restrict it."""
    body = {"account": arguments.account, "tier": arguments.tier, "standing": arguments.standing}
    yield await outcome(admin, arguments.account, SetAccountTerms, **body, **said(arguments))


async def apply(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Set the tiers, the limits and the fees of a file."""
    catalogue = read_catalogue(arguments.file)
    for tier, caps in catalogue.tiers.items():
        yield await outcome(admin, f"tier {tier}", SetOrderTier, tier=tier, **caps, **said(arguments))
    for mode, limits in catalogue.limits.items():
        yield await outcome(admin, f"limits of {mode}", SetVenueLimits, mode=mode, **limits, **said(arguments))
    if catalogue.fee_tiers:
        yield await outcome(admin, "fees", SetFeeSchedule, tiers=catalogue.fee_tiers, **said(arguments))
    if catalogue.referrals:
        yield await outcome(admin, "referrals", SetReferralTerms, **catalogue.referrals, **said(arguments))


def _chosen(arguments: argparse.Namespace) -> Sequence[MarketSpec]:
    specs = read_catalogue(arguments.file).markets
    unknown = set(arguments.markets) - {spec.market for spec in specs}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))}: not in {arguments.file}")
    return [spec for spec in specs if not arguments.markets or spec.market in arguments.markets]


async def outcome(admin: Admin, what: str, contract: type[Message], **body: Any) -> str:
    """What became of a command, in one line."""
    try:
        events = await admin.command(contract, **body)
    except AdminRefused as verdict:
        return f"{what}: refused, {verdict}"
    return f"{what}: {', '.join(map(_told, events))}"


def _told(event: dict[str, Any]) -> str:
    match event["type"]:
        case "MarketListed":
            return "listed"
        case "MarketChanged":
            return f"rules {event['spec_version']}, changed {', '.join(event['changed'])}"
        case "MarketStateChanged":
            return f"{event['previous_state']} -> {event['state']}"
        case "VenueChanged":
            return f"{event['name']} {event['old'] or '-'} -> {event['new'] or '-'}"
        case "FeeScheduleSet":
            return f"{len(event['tiers'])} tiers by volume"
        case "VaultStateChanged":
            return str(event["state"])
        case "FarmOpened":
            return f"farm, of whose rewards the platform keeps {event['platform_fee_bps']} bps"
        case "ReferralTermsSet":
            return f"discount {event['referee_discount_ppb']} ppb, share {event['referrer_share_ppb']} ppb"
    return str(event["type"])


def said(arguments: argparse.Namespace) -> dict[str, str]:
    """Who asks and why, for the history."""
    return {"by": arguments.by, "note": arguments.note}


def _fields(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {'-' if value is None else value}" for name, value in values.items())


def _time(micros: int) -> str:
    return datetime.fromtimestamp(micros / SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


def add_parsers(commands: Any) -> None:
    """`market ...` and `venue ...` with their actions."""
    _market_parser(commands.add_parser("market", help="list, change, halt, resume and delist markets"))
    _venue_parser(commands.add_parser("venue", help="mode, switches, limits, tiers, accounts, and who changed what"))


def _market_parser(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="verb", required=True)
    for verb, action in (("list", list_markets), ("change", change_markets)):
        found = add_action(actions, verb, action)
        found.add_argument("file", type=Path, help="as deploy/venues/quantdesk.toml")
        found.add_argument("markets", nargs="*", help="default: all of the file")
    add_action(actions, "show", show_markets).add_argument("markets", nargs="*", help="default: all")
    stop = add_action(actions, "halt", halt)
    stop.add_argument("markets", nargs="+")
    stop.add_argument("--state", choices=("halted", "reduce_only", "post_only"), default="halted")
    again = add_action(actions, "resume", resume)
    again.add_argument("markets", nargs="+")
    again.add_argument("--auction", type=int, default=0, help="seconds to collect orders first")
    end = add_action(actions, "delist", delist)
    end.add_argument("markets", nargs="+")
    rate = add_action(actions, "funding", set_funding)
    rate.add_argument("market")
    rate.add_argument("type", choices=("automatic", "manual", "emergency"))
    rate.add_argument("--rate", type=int, help="of an hour, in parts per billion")
    end.add_argument("--notice", type=int, required=True, help="seconds in which positions may still be reduced")


def _venue_parser(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="verb", required=True)
    add_action(actions, "show", show_venue)
    history = add_action(actions, "history", show_history)
    history.add_argument("--scope", help="as venue, market:BTC-PERP, account:bob, tier:standard, mode:live")
    history.add_argument("--limit", type=int, default=50)
    add_action(actions, "attempts", show_attempts).add_argument("market", nargs="?")
    add_action(actions, "mode", set_mode).add_argument("mode", choices=("demo", "live"))
    turn = add_action(actions, "switch", set_switch)
    turn.add_argument("switch", choices=("kill_switch", "maintenance"))
    turn.add_argument("position", choices=("on", "off"))
    account = add_action(actions, "account", set_account)
    account.add_argument("account")
    account.add_argument("--tier")
    account.add_argument("--standing", choices=("active", "reduce_only", "suspended"))
    add_action(actions, "apply", apply).add_argument("file", type=Path, help="as deploy/venues/quantdesk.toml")


def add_action(actions: Any, verb: str, action: Action) -> argparse.ArgumentParser:
    """A verb with its action, whose docstring is its help."""
    text = (action.__doc__ or "").rstrip(".")
    parser: argparse.ArgumentParser = actions.add_parser(verb, help=text, description=text)
    parser.add_argument("--by", default="", help="who asks, for the history")
    parser.add_argument("--note", default="", help="why, for the history")
    parser.set_defaults(action=action)
    return parser
