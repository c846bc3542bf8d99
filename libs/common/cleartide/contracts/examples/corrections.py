"""Examples of outside trades put right: dex-main corrects the price of its trade 77, and then takes it back."""

from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.corrections import BustTrade, CorrectTrade, TradeBusted, TradeCorrected
from cleartide.contracts.examples.story import ALERTED, MARKET, OPENED, said, sent

TRADE: Final[dict[str, Any]] = {
    "market": MARKET,
    "first_trade_id": 2,
    "outside_source": "dex-main",
    "outside_trade_id": "77",
    "traded_at": OPENED,
    "size_lots": 25,
    "buyer": "carol",
    "seller": "outside",
}
CORRECTION_EXAMPLES: Final[tuple[Message, ...]] = (
    sent(
        CorrectTrade,
        "correct-77-1",
        "dex-main",
        market=MARKET,
        trade_id="77",
        price="64990",
        size="0.025",
        buyer="carol",
        reason="wrong_price",
    ),
    sent(BustTrade, "bust-77", "dex-main", market=MARKET, trade_id="77", reason="chain_reorganized"),
    said(
        TradeCorrected,
        "matching",
        "events",
        24,
        OPENED,
        "correct-77-1",
        **TRADE,
        trade_id=2,
        reversal_id=3,
        price_ticks=650_000,
        quote_quanta=1_625_000_000,
        reason="wrong_price",
        last_ticks=649_900,
        replacement_id=4,
        new_price_ticks=649_900,
        new_size_lots=25,
        new_quote_quanta=1_624_750_000,
        new_buyer="carol",
        new_seller="outside",
        new_taker_side="buy",
    ),
    said(
        TradeBusted,
        "matching",
        "events",
        35,
        ALERTED,
        "bust-77",
        **TRADE,
        trade_id=4,
        reversal_id=5,
        price_ticks=649_900,
        quote_quanta=1_624_750_000,
        reason="chain_reorganized",
        last_ticks=650_000,
    ),
)
