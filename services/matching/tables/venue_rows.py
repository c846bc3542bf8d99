"""The way between rows and what the venue has decided."""

from collections.abc import Mapping, Sequence
from typing import Any

from cleartide.contracts import AlertRule, MarketLimits
from cleartide.fold import Changes, Row

from services.matching.domain.market import Market
from services.matching.domain.state import Dirty, MatchingState
from services.matching.domain.venue.record import ModeLimits, Terms, Tier, Venue
from services.matching.tables import venue as tables
from services.matching.tables.sealed import collect_batching

Rows = Mapping[str, Sequence[Row]]


def limits_by_market(rows: Rows) -> dict[str, MarketLimits]:
    """The limits of the markets that have any."""
    names = list(tables.MARKET_LIMITS.columns)[1:]
    return {
        market: MarketLimits(**dict(zip(names, values, strict=True)))
        for market, *values in rows[tables.MARKET_LIMITS.name]
    }


def restore_states(state: MatchingState, rows: Rows) -> None:
    """How each market trades, and until when."""
    for name, value, since, ends_at, version in rows[tables.MARKET_STATES.name]:
        market = state.markets[name]
        status = market.status
        status.state, status.since, status.ends_at, status.version = value, since, ends_at, version
        if ends_at is not None:
            state.venue.ends[name] = ends_at
        market.refresh_fill_band()


def restore_venue(venue: Venue, rows: Rows) -> None:
    """Mode, switches, limits, tiers, accounts' terms, alert rules, and what is counted of their orders."""
    settings: dict[str, Any] = dict(rows[tables.VENUE_SETTINGS.name])
    venue.mode = settings.get("mode", venue.mode)
    for switch in venue.switches:
        venue.switches[switch] = settings.get(switch) == "on"
    for mode, *limits in rows[tables.VENUE_LIMITS.name]:
        venue.limit(mode, ModeLimits(*limits))
    for tier, *caps in rows[tables.ORDER_TIERS.name]:
        venue.tiers[tier] = Tier(*caps)
    for account, *terms in rows[tables.ACCOUNT_TERMS.name]:
        venue.terms[account] = Terms(*terms)
    for name, rule in rows[tables.ALERT_RULES.name]:
        venue.rules[name] = AlertRule.model_validate_json(rule)
    for row in sorted(rows[tables.ORDER_TIMES.name]):
        venue.order_times.restore(*row)
    for row in rows[tables.DAILY_RESULTS.name]:
        venue.results.restore(*row)
    venue.attempts = {
        (market, stage, reason): count for market, stage, reason, count in rows[tables.ORDER_ATTEMPTS.name]
    }


def collect_markets(changes: Changes, dirty: Dirty) -> None:
    """Limits of markets with new rules, and how markets trade."""
    for market in dirty.markets.values():
        _collect_limits(changes, market)
        collect_batching(changes, market)
    for market in dirty.statuses.values():
        status = market.status
        row = (market.id, status.state, status.since, status.ends_at, status.version)
        changes.put(tables.MARKET_STATES, row)


def _collect_limits(changes: Changes, market: Market) -> None:
    limits = market.spec.limits
    if limits is None:
        changes.delete(tables.MARKET_LIMITS, (market.id,))
        return
    names = list(tables.MARKET_LIMITS.columns)[1:]
    changes.put(tables.MARKET_LIMITS, (market.id, *(getattr(limits, name) for name in names)))


def collect_venue(changes: Changes, venue: Venue) -> None:
    """What was set since the last time, and the record of it."""
    for name in sorted(venue.touched_settings):
        changes.put(tables.VENUE_SETTINGS, (name, venue.setting(name)))
    for mode in sorted(venue.touched_limits):
        changes.put(tables.VENUE_LIMITS, (mode, *venue.limits[mode]))
    for tier in sorted(venue.touched_tiers):
        changes.put(tables.ORDER_TIERS, (tier, *venue.tiers[tier]))
    for account in sorted(venue.touched_terms):
        changes.put(tables.ACCOUNT_TERMS, (account, *venue.terms[account]))
    for name in sorted(venue.touched_rules):
        if rule := venue.rules.get(name):
            changes.put(tables.ALERT_RULES, (name, rule.model_dump_json()))
        else:
            changes.delete(tables.ALERT_RULES, (name,))
    changes.put_all(tables.VENUE_CHANGES, venue.fresh)
    venue.fresh = []
    settings = (venue.touched_settings, venue.touched_limits, venue.touched_tiers, venue.touched_terms)
    for touched in (*settings, venue.touched_rules):
        touched.clear()
    _collect_tallies(changes, venue)


def _collect_tallies(changes: Changes, venue: Venue) -> None:
    for key, at in venue.order_times.touched.items():
        if at is None:
            changes.delete(tables.ORDER_TIMES, key)
        else:
            changes.put(tables.ORDER_TIMES, (*key, at))
    for account in sorted(venue.results.touched):
        changes.put(tables.DAILY_RESULTS, (account, *venue.results.row(account)))
    for attempt in sorted(venue.touched_attempts):
        changes.put(tables.ORDER_ATTEMPTS, (*attempt, venue.attempts[attempt]))
    for touched in (venue.order_times.touched, venue.results.touched, venue.touched_attempts):
        touched.clear()
