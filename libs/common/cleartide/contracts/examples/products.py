"""Examples of what risk, funding, earnings and analytics say, and of a dead letter."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.dead import DeadLettered
from cleartide.contracts.examples.story import ALERTED, DAY, FUNDED, HOUR, MARKET, MINUTE, OPENED, said
from cleartide.contracts.projections import CandleClosed, CandleRestated, EarningsDayRecorded, FundingRatePublished
from cleartide.contracts.risk import AlertInput, RiskAlertRaised, RuleAlertRaised, RuleFigure

_REFUSED: Final = b'{"type":"PlaceOrder"}'

_HELD: Final = AlertInput(
    market=MARKET,
    lots=25,
    mark_ticks=635_000,
    value="1587.500000",
    quote="-1625.000000",
    maintenance_margin="47.625000",
)

_ALICE: Final[Mapping[str, Any]] = {
    "account": "alice",
    "previous_level": None,
    "health_factor": "1.295275",
    "equity": "61.687500",
    "maintenance_margin": "47.625000",
    "cash": "99.187500",
    "unsettled_funding": "0.000000",
    "inputs": (_HELD,),
    "cause_id": "matching-events-30",
}
"""How she stands as the price falls, in what is said of her."""

PRODUCT_EXAMPLES: Final[tuple[Message, ...]] = (
    said(
        RiskAlertRaised,
        "risk",
        "risk",
        1,
        ALERTED,
        "matching-events-30",
        account_seq=1,
        level="watch",
        **_ALICE,
    ),
    said(
        RuleAlertRaised,
        "risk",
        "risk",
        2,
        ALERTED,
        "matching-events-30",
        account_seq=2,
        level="critical",
        **_ALICE,
        rule="thin",
        market=None,
        condition="leverage > 25 and equity < 100",
        figures=(
            RuleFigure(name="leverage", value="25.734548", unit="ratio"),
            RuleFigure(name="equity", value="61.687500", unit="quote"),
        ),
    ),
    said(
        FundingRatePublished,
        "funding",
        "funding",
        1,
        FUNDED,
        "matching-events-40",
        market=MARKET,
        interval_start=OPENED,
        interval_micros=HOUR,
        average_premium_ppb=157_505,
        rate_ppb=12_500,
        samples=60,
    ),
    said(
        EarningsDayRecorded,
        "earnings",
        "earnings",
        1,
        OPENED + DAY,
        "matching-events-900",
        account="bob",
        day=OPENED,
        equity_start_quanta=0,
        equity_end_quanta=158_444_825,
        flows_quanta=100_000_000,
        pnl_quanta=58_750_000,
        funding_quanta=19_825,
        fees_quanta=325_000,
    ),
    said(
        CandleClosed,
        "analytics",
        "analytics",
        1,
        OPENED + MINUTE,
        "matching-events-20",
        market=MARKET,
        open_time=OPENED,
        interval_micros=MINUTE,
        open_ticks=650_000,
        high_ticks=650_000,
        low_ticks=650_000,
        close_ticks=650_000,
        volume_lots=25,
        quote_volume_quanta=1_625_000_000,
        trades=1,
    ),
    said(
        CandleRestated,
        "analytics",
        "analytics",
        2,
        ALERTED,
        "matching-events-35",
        market=MARKET,
        open_time=OPENED,
        interval_micros=MINUTE,
        restatements=1,
    ),
    said(
        DeadLettered,
        "matching",
        "dead_letters",
        1,
        OPENED,
        "order-0",
        service="matching",
        reason="schema_invalid",
        error="id: Field required",
        stream="COMMANDS",
        stream_seq=9,
        subject_of_origin="orders.BTC-PERP",
        index_in_message=0,
        attempts=1,
        payload_base64=base64.b64encode(_REFUSED).decode(),
        payload_bytes=len(_REFUSED),
    ),
)
