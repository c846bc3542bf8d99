"""Examples of running a venue."""

from typing import Any, Final

from cleartide.contracts.alert_rules import AlertRule, AlertRuleRemoved, AlertRuleSet, RemoveAlertRule, SetAlertRule
from cleartide.contracts.base import Message
from cleartide.contracts.examples.story import DAY, LIQUIDATED, MARKET, MINUTE, QUANTA_PER_LOT_TICK, SPEC, said, sent
from cleartide.contracts.limits import MarketLimits
from cleartide.contracts.venue import (
    AuctionUncrossed,
    ChangeMarket,
    DelistMarket,
    HaltMarket,
    MarketChanged,
    MarketStateChanged,
    PositionSettled,
    ResumeMarket,
    SetAccountTerms,
    SetOrderTier,
    SetVenueLimits,
    SetVenueMode,
    SetVenueSwitch,
    VenueChanged,
)

TRIPPED: Final = LIQUIDATED + DAY
REOPENED: Final = TRIPPED + MINUTE
SETTLED: Final = LIQUIDATED + 2 * DAY
GUARDED: Final = SPEC.model_copy(
    update={"limits": MarketLimits(max_order_size="10", open_interest_cap="500", position_cap="50")}
)
RULE: Final = AlertRule(
    name="large-and-close",
    level="critical",
    each="position",
    when="position_notional > 250_000 and liquidation_distance_bps < 500",
    until="liquidation_distance_bps > 700",
    markets=(MARKET,),
    cooldown_seconds=300,
)


def _order(contract: type[Message], ident: str, **body: Any) -> Message:
    return sent(contract, ident, "operator", by="ann", **body)


def _event(contract: type[Message], seq: int, at: int, cause: str, **body: Any) -> Message:
    return said(contract, "matching", "events", seq, at, cause, **body)


VENUE_EXAMPLES: Final[tuple[Message, ...]] = (
    _order(ChangeMarket, "change-1", spec=GUARDED, expected_version=1, note="caps for the first week"),
    _order(HaltMarket, "halt-1", market=MARKET, state="reduce_only"),
    _order(ResumeMarket, "resume-1", market=MARKET, auction_micros=5 * MINUTE),
    _order(DelistMarket, "delist-1", market=MARKET, notice_micros=DAY),
    _order(SetVenueMode, "mode-1", mode="live"),
    _order(SetVenueSwitch, "switch-1", switch="kill_switch", on=True, note="withdrawals of unknown origin"),
    _order(SetVenueLimits, "limits-1", mode="live", max_position="100000", max_leverage=50, max_daily_loss="10000"),
    _order(SetOrderTier, "tier-1", tier="standard", per_minute=10, per_hour=100, per_day=1_000),
    _order(SetAccountTerms, "terms-1", account="bob", tier="maker"),
    _order(SetAlertRule, "rule-1", rule=RULE, note="asked for by the desk"),
    _order(RemoveAlertRule, "rule-2", name=RULE.name),
    _event(AlertRuleSet, 62, LIQUIDATED, "rule-1", rule=RULE, by="ann"),
    _event(AlertRuleRemoved, 63, LIQUIDATED, "rule-2", name=RULE.name, by="ann"),
    _event(
        MarketChanged,
        60,
        LIQUIDATED,
        "change-1",
        market=MARKET,
        spec=GUARDED,
        quanta_per_lot_tick=QUANTA_PER_LOT_TICK,
        spec_version=2,
        changed=("limits",),
        by="ann",
        note="caps for the first week",
    ),
    _event(
        VenueChanged,
        61,
        LIQUIDATED,
        "switch-1",
        change_id=4,
        scope="venue",
        name="kill_switch",
        old="off",
        new="on",
        by="ann",
        note="withdrawals of unknown origin",
    ),
    _event(
        MarketStateChanged,
        70,
        TRIPPED,
        "ingestor-commands-93600",
        market=MARKET,
        state="post_only",
        previous_state="trading",
        reason="circuit_breaker",
        ends_at=REOPENED,
        by="",
        note="",
    ),
    _event(
        AuctionUncrossed,
        72,
        REOPENED,
        "ingestor-commands-93660",
        market=MARKET,
        price_ticks=626_500,
        lowest_ticks=626_400,
        highest_ticks=626_601,
        size_lots=4,
    ),
    _event(
        PositionSettled,
        80,
        SETTLED,
        "ingestor-commands-180000",
        account="bob",
        market=MARKET,
        fill_lots=25,
        fill_price_ticks=626_500,
        realized_pnl_quanta=58_750_000,
        funding_quanta=19_825,
        lots=0,
        quote_quanta=0,
        cash_quanta=158_444_825,
        funding_index_quanta=793,
    ),
)
