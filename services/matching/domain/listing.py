"""Markets as configuration: opening one, and giving an open one new rules from a place in the sequence on."""

from typing import Final

from cleartide.contracts import ChangeMarket, ListMarket, MarketChanged, MarketListed, MarketSpec
from cleartide.rules.margin import is_liquidatable

from services.matching.domain.accounts import Account
from services.matching.domain.errors import Refused
from services.matching.domain.margin import standing
from services.matching.domain.market import Market
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.venue.history import record
from services.matching.domain.venue.record import Who

FIXED: Final = frozenset({"market", "base", "quote", "tick_size", "lot_size"})
"""Fields in whose units orders, positions and history are kept: a market with others is another market."""


GROUPS: Final = ("limits", "liquidation", "batching")


def list_market(state: MatchingState, command: ListMarket, out: Output) -> None:
    """Open a market. Refused: already listed, or rules that cannot be traded exactly."""
    if command.spec.market in state.markets:
        raise Refused("market_exists", command.spec.market)
    market = Market(command.spec, state.ledger, state.changed_books)
    market.status.since = out.at
    state.markets[market.id] = market
    state.dirty.markets[market.id] = state.dirty.prices[market.id] = state.dirty.funding[market.id] = market
    state.dirty.statuses[market.id] = market
    record(state, out, Who(command.source), f"market:{market.id}", "state", "", market.status.state)
    out.emit(MarketListed, market=market.id, spec=command.spec, quanta_per_lot_tick=market.unit)


def change_market(state: MatchingState, command: ChangeMarket, out: Output) -> None:
    """Go by new rules from here on: fees, margins, bands, limits and funding terms, in any state but delisted.

    Refused: a market that is not listed or delisted; rules written against an older version (`version_conflict`); the
    same rules (`nothing_changed`); another name, asset or step (`fixed_field`); rules that cannot be traded exactly;
    and higher margins that would make somebody liquidatable at the present mark (`would_liquidate`).
    """
    market = state.markets.get(command.spec.market)
    if market is None:
        raise Refused("unknown_market", command.spec.market)
    if market.status.state == "delisted":
        raise Refused("market_delisted", market.id)
    if command.expected_version != market.status.version:
        raise Refused("version_conflict", f"{market.id} has version {market.status.version}")
    before, after = described(market.spec), described(command.spec)
    changed = tuple(name for name in sorted({*before, *after}) if before.get(name) != after.get(name))
    if not changed:
        raise Refused("nothing_changed", market.id)
    if fixed := FIXED.intersection(changed):
        raise Refused("fixed_field", ", ".join(sorted(fixed)))
    _adopt(market, command.spec)
    market.status.version += 1
    market.refresh_fill_band()
    state.dirty.markets[market.id] = state.dirty.statuses[market.id] = market
    for name in changed:
        old, new = before.get(name, ""), after.get(name, "")
        record(state, out, Who.of(command), f"market:{market.id}", name, old, new)
    out.emit(
        MarketChanged,
        market=market.id,
        spec=command.spec,
        quanta_per_lot_tick=market.unit,
        spec_version=market.status.version,
        changed=changed,
        by=command.by,
        note=command.note,
    )


def described(spec: MarketSpec) -> dict[str, str]:
    """Every rule as text by its name; those of a group are named `<group>.<name>`, and one that is null is left out."""
    rules = {name: value for name, value in spec if name not in ("brackets", *GROUPS)}
    for group in GROUPS:
        rules.update((f"{group}.{name}", value) for name, value in getattr(spec, group) or () if value is not None)
    texts = {name: str(value) for name, value in rules.items()}
    return {**texts, "brackets": " ".join(bracket.model_dump_json() for bracket in spec.brackets)}


def _adopt(market: Market, spec: MarketSpec) -> None:
    """Put the rules into force, unless somebody who is safe under the old ones would not be under the new ones."""
    old = market.spec
    holders = [account for account in market.holders.values() if account.holdings[market.id].lots]
    safe = [account for account in holders if not _is_due(account)]
    market.adopt(spec)
    endangered = sum(map(_is_due, safe))
    if endangered:
        market.adopt(old)
        raise Refused("would_liquidate", f"{endangered} accounts with a position in {market.id}")


def _is_due(account: Account) -> bool:
    now = standing(account)
    return is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta)
