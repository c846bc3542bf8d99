"""What is decided about a market while it trades: other rules, the operator's funding rate, the auditor's alarm."""

from typing import Any, Final

from cleartide.contracts import (
    ChangeMarket,
    DiscrepancyReported,
    FundingSet,
    MarketChanged,
    MarketSpec,
    ReportDiscrepancy,
    SetFunding,
)

from services.matching.tests.model import venue
from services.matching.tests.model.listing import require_rules
from services.matching.tests.model.margin import standing
from services.matching.tests.model.world import Account, Market, Refusal, World

FIXED: Final = {"base", "quote", "tick_size", "lot_size"}
GROUPS: Final = ("limits", "liquidation", "batching")


def change_market(world: World, command: ChangeMarket) -> None:
    """Other rules from here on, unless somebody who is safe would be due at once. Raises Refusal."""
    market, spec = _known(world, command.spec.market), command.spec
    if market.state == "delisted":
        raise Refusal("market_delisted")
    if command.expected_version != market.version:
        raise Refusal("version_conflict")
    changed = differences(market.spec, spec)
    if not changed:
        raise Refusal("nothing_changed")
    if FIXED & {*changed}:
        raise Refusal("fixed_field")
    require_rules(spec, market.lot)
    old, safe = market.spec, [account for account in _holders(world, market) if not standing(world, account).is_due]
    market.spec = spec
    if any(standing(world, account).is_due for account in safe):
        market.spec = old
        raise Refusal("would_liquidate")
    market.version += 1
    world.changes += len(changed)
    world.say(
        MarketChanged,
        market=market.name,
        spec=spec,
        quanta_per_lot_tick=market.unit,
        spec_version=market.version,
        changed=tuple(changed),
        by=command.by,
        note=command.note,
    )


def differences(old: MarketSpec, new: MarketSpec) -> list[str]:
    """The names of the rules that are not the same; of a group its own, as far as they say anything."""
    before, after = _rules(old), _rules(new)
    return sorted(name for name in before | after if before.get(name) != after.get(name))


def _rules(spec: MarketSpec) -> dict[str, Any]:
    rules: dict[str, Any] = {name: value for name, value in spec if name not in GROUPS}
    for group in GROUPS:
        said = getattr(spec, group) or ()
        rules |= {f"{group}.{name}": value for name, value in said if value is not None}
    return rules


def _holders(world: World, market: Market) -> list[Account]:
    held = [(account, account.positions.get(market.name)) for account in world.accounts.values()]
    return [account for account, position in held if position is not None and position.lots]


def set_funding(world: World, command: SetFunding) -> None:
    """A rate by hand is within the cap of an hour; without one it makes itself. Raises Refusal."""
    market, rate = _known(world, command.market), command.hourly_rate_ppb
    if market.state == "delisted":
        raise Refusal("market_delisted")
    if command.funding_type == "automatic" and rate is not None:
        raise Refusal("rate_not_allowed")
    if command.funding_type != "automatic" and rate is None:
        raise Refusal("rate_missing")
    if rate is not None and abs(rate) > market.spec.funding_cap_hourly_ppb:
        raise Refusal("rate_above_cap")
    world.changes += 1
    world.say(
        FundingSet,
        change_id=world.changes,
        market=market.name,
        funding_type=command.funding_type,
        hourly_rate_ppb=rate,
        by=command.by,
        note=command.note,
    )


def alarm(world: World, command: ReportDiscrepancy) -> None:
    """The market stops, or all do; those that have ended stay so. Raises Refusal."""
    names = sorted(world.markets) if command.market is None else [_known(world, command.market).name]
    world.say(
        DiscrepancyReported,
        check=command.check,
        market=command.market,
        detail=command.note,
        observed_position=command.observed_position,
    )
    for name in names:
        market = world.markets[name]
        if market.state not in ("halted", "delisted"):
            venue.put(world, market, "halted", "audit", by=command.by, note=command.note)


def _known(world: World, name: str) -> Market:
    if name not in world.markets:
        raise Refusal("unknown_market")
    return world.markets[name]
