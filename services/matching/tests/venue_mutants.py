"""Small faults in the venue's rules (R31, R32, 14.1 to 14.3, rate caps), each with the criterion that notices it."""

from typing import Final

from tests.support.mutation import Mutant

BANDS: Final = (
    Mutant("VENUE-BAND-001", "centre * (PPB - width_ppb) // step + 1,", "centre * (PPB - width_ppb) // step,"),
    Mutant("VENUE-BAND-001", "(centre * (PPB + width_ppb) - 1) // step", "(centre * (PPB + width_ppb)) // step"),
    Mutant(
        "VENUE-BAND-001",
        "draft.order.price > highest_buy if draft.side > 0 else draft.order.price < lowest_sell",
        "draft.order.price >= highest_buy if draft.side > 0 else draft.order.price <= lowest_sell",
    ),
    Mutant(
        "VENUE-BAND-002",
        "draft.order.price > highest_buy if draft.side > 0 else draft.order.price < lowest_sell",
        "not lowest_sell <= draft.order.price <= highest_buy",
    ),
    Mutant(
        "VENUE-BAND-003",
        "max(limits.band_ppb, spec.brackets[0].initial_margin_ppb)",
        "spec.brackets[0].initial_margin_ppb",
    ),
    Mutant("VENUE-BAND-003", "max(limits.band_ppb, spec.brackets[0].initial_margin_ppb)", "limits.band_ppb"),
    Mutant("VENUE-BAND-006", "(price > high) == (side < 0))", "(price > high) == (side > 0))"),
    Mutant("VENUE-BAND-007", "if banded and not low <= price <= high:", "if banded and not low < price <= high:"),
    Mutant("VENUE-BAND-008", "low, high = max(low, lower), min(high, higher)", "low, high = low, min(high, higher)"),
    Mutant(
        "VENUE-BAND-008",
        "strictly_within(average, MICRO_TICKS, self.twap_band_ppb)",
        "strictly_within(average, MICRO_TICKS, self.band_ppb)",
    ),
    Mutant("VENUE-BAND-009", "lots, banded=taker.banded)", "lots, banded=True)"),
)
BREAKER: Final = (
    Mutant("VENUE-BRK-001", "* PPB >= self.breaker_ppb * average", "* PPB > self.breaker_ppb * average"),
    Mutant("VENUE-BRK-001", "abs(index * MICRO_TICKS - average) * PPB", "(index * MICRO_TICKS - average) * PPB"),
    Mutant("VENUE-BRK-001", "out.at + guards.pause_micros)", "out.at + guards.pause_micros + 1)"),
    Mutant(
        "VENUE-BRK-002",
        "(at, name) for name, at in ends.items() if at <= out.at",
        "(at, name) for name, at in ends.items() if at < out.at",
    ),
    Mutant("VENUE-BRK-003", "    prices.average = prices.index * MICRO_TICKS\n    market", "    market"),
    Mutant("VENUE-BRK-003", 'not (pausing or status.state == "trading")', 'not status.state == "trading"'),
    Mutant("VENUE-BRK-005", "elif not is_stale(market.prices, out.at) and", "elif"),
    Mutant(
        "VENUE-BRK-006", 'status.state == "post_only" and status.ends_at is not None', 'status.state == "post_only"'
    ),
    Mutant("VENUE-BRK-007", "weight = min(elapsed, WINDOW)", "weight = min(elapsed + 1, WINDOW)"),
    Mutant("VENUE-BRK-007", "previous * (WINDOW - weight)) // WINDOW", "previous * (WINDOW - weight)) // WINDOW + 1"),
    Mutant(
        "VENUE-BRK-008",
        "average(prices.average, prices.index, at - prices.updated_at)",
        "average(prices.average, index, at - prices.updated_at)",
    ),
)
AUCTION: Final = (
    Mutant("VENUE-AUC-002", "return (self.lowest + self.highest) // 2", "return self.lowest"),
    Mutant("VENUE-AUC-004", "while wanted and offered and bid >= ask:", "while wanted and offered and bid > ask:"),
    Mutant(
        "VENUE-AUC-002",
        "newer, older = (bid, ask) if bid.priority > ask.priority else (ask, bid)",
        "newer, older = (ask, bid) if bid.priority > ask.priority else (bid, ask)",
    ),
    Mutant("VENUE-AUC-006", "- granted[order.account])", ")"),
    Mutant(
        "VENUE-AUC-016",
        "if order is not None and order.reduce_only and not _reducible(state, market, order):",
        "if order is not None:",
    ),
    Mutant("VENUE-AUC-017", "        if lots:\n            yield order.price, lots", "        yield order.price, lots"),
    Mutant("VENUE-AUC-017", "            granted[order.account] += lots\n", ""),
    Mutant("VENUE-BRK-011", "    market.refresh_fill_band()\n    put(", "    put("),
    Mutant("VENUE-AUC-013", " and not (market.is_crossed and state.venue.stopped_by):", ":"),
    Mutant("VENUE-AUC-013", "not (market.is_crossed and state.venue.stopped_by)", "not state.venue.stopped_by"),
    Mutant("VENUE-AUC-014", "raise Refused(stopped)\n        if market", "pass\n        if market"),
    Mutant("VENUE-AUC-007", "(order.price - bound) * side > 0:", "(order.price - bound) * side > 10_000:"),
)
CAPS: Final = (
    Mutant(
        "VENUE-CAP-001",
        "spare = max(0, market.guards.open_interest_cap - market.open_interest)",
        "spare = max(0, market.guards.open_interest_cap - market.open_interest) + 1",
    ),
    Mutant(
        "VENUE-CAP-001",
        "spare = max(0, market.guards.open_interest_cap - market.open_interest)",
        "spare = max(0, market.guards.open_interest_cap - market.open_interest - 1)",
    ),
    Mutant("VENUE-CAP-002", "return spare + max(0, -buys.lots) + max(0, sells.lots)", "return spare"),
    Mutant(
        "VENUE-CAP-003",
        "spare = max(0, market.guards.open_interest_cap - market.open_interest)",
        "spare = market.guards.open_interest_cap - market.open_interest",
    ),
    Mutant("VENUE-CAP-004", "if reach > market.guards.position_cap or", "if reach >= market.guards.position_cap or"),
    Mutant(
        "VENUE-CAP-005",
        "return max(0, self.holding.lots * self.side + open_lots + self.added)",
        "return abs(self.holding.lots * self.side + open_lots + self.added)",
    ),
    Mutant(
        "VENUE-CAP-006", "guards.position_cap - side * holding.lots)", "guards.position_cap - side * holding.lots + 1)"
    ),
    Mutant(
        "VENUE-CAP-007",
        "if draft.order.size < market.guards.min_lots and",
        "if draft.order.size <= market.guards.min_lots and",
    ),
    Mutant(
        "VENUE-CAP-007",
        "if draft.order.size > market.guards.max_lots:",
        "if draft.order.size >= market.guards.max_lots:",
    ),
)
ACCEPTANCE: Final = (
    Mutant("VENUE-ACC-005", "times[-cap][1] > after)", "times[-cap][1] >= after)"),
    Mutant("VENUE-ACC-005", "return cap <= len(times) and", "return cap < len(times) and"),
    Mutant(
        "VENUE-ACC-011",
        "return ceil_div(notional, leverage) if leverage else 0",
        "return notional // (leverage + 1) if leverage else 0",
    ),
    Mutant(
        "VENUE-ACC-011",
        "equity - account.reserved - draft.added_loss < needed:",
        "equity - account.reserved - draft.added_loss <= needed:",
    ),
    Mutant("VENUE-ACC-013", "if limit is not None and value > limit:", "if limit is not None and value >= limit:"),
    Mutant("VENUE-ACC-014", ".loss(draft.account.name, at) >= limit:", ".loss(draft.account.name, at) > limit:"),
    Mutant("VENUE-ACC-014", "profit + funding - party.fee)", "profit + funding)"),
    Mutant("VENUE-MKT-007", "holding.lots, holding.funding_index = 0, market.funding.index", "holding.lots = 0"),
    Mutant(
        "VENUE-MKT-009",
        "    if account.name not in SYSTEM_ACCOUNTS:\n        cover_deficit(",
        "    if account.cash.balance > 0:\n        cover_deficit(",
    ),
)
MUTANTS: Final = (*BANDS, *BREAKER, *AUCTION, *CAPS, *ACCEPTANCE)
