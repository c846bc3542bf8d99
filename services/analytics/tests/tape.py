"""Writes the trading events that a test needs, numbered and timed; and candles counted the plain way."""

from collections.abc import Iterable
from itertools import groupby
from typing import TypeVar

from cleartide.contracts import (
    FundingSettled,
    LiquidationExecuted,
    MarginBracket,
    MarketListed,
    MarketSpec,
    MarkPriceUpdated,
    TradeBusted,
    TradeCorrected,
    TradeExecuted,
    TradeOrigin,
    TradingEvent,
)

E = TypeVar("E", bound=TradingEvent)

MINUTE = 60_000_000
START = 28_000_000 * MINUTE
MARKETS = ("BTC-PERP", "ETH-PERP")
U = 100
Bar = tuple[str, int, int, int, int, int, int, int, int]


class Tape:
    """Events of two markets with tick 0.1, lot 0.001 and u = 100. Every event happens at `at`."""

    def __init__(self, at: int = START) -> None:
        self.at = at
        self.events: list[TradingEvent] = []
        bracket = MarginBracket(
            upper_notional_quanta=None, initial_margin_ppb=50_000_000, maintenance_fraction_ppb=500_000_000
        )
        for market in MARKETS:
            spec = MarketSpec(
                market=market,
                base=market.split("-")[0],
                quote="USDC",
                tick_size="0.1",
                lot_size="0.001",
                brackets=(bracket,),
                taker_fee_ppb=0,
                maker_fee_ppb=0,
                liquidation_fee_ppb=0,
                mark_band_ppb=0,
                market_order_band_ppb=0,
                impact_notional_quanta=1,
                interest_8h_ppb=0,
                funding_clamp_ppb=0,
                funding_cap_hourly_ppb=0,
            )
            self._say(MarketListed, market=market, spec=spec, quanta_per_lot_tick=U)

    def trade(
        self, market: str, price: int, lots: int, origin: TradeOrigin = "book", taker_side: str = "buy"
    ) -> TradeExecuted:
        return self._say(
            TradeExecuted,
            market=market,
            trade_id=len(self.events),
            price_ticks=price,
            size_lots=lots,
            quote_quanta=price * lots * U,
            buyer="alice",
            seller="bob",
            buy_order_id=None,
            sell_order_id=None,
            taker_side=taker_side,
            origin=origin,
        )

    def bust(self, trade: TradeExecuted, reason: str = "erroneous") -> None:
        """Take back a trade of this tape."""
        self._say(TradeBusted, **self._restated(trade), reason=reason)

    def correct(self, trade: TradeExecuted, price: int, lots: int, taker_side: str = "buy") -> None:
        """Give a trade of this tape other terms."""
        self._say(
            TradeCorrected,
            **self._restated(trade),
            reason="wrong",
            replacement_id=len(self.events) + 1,
            new_price_ticks=price,
            new_size_lots=lots,
            new_quote_quanta=price * lots * U,
            new_buyer="alice",
            new_seller="carol",
            new_taker_side=taker_side,
        )

    def _restated(self, trade: TradeExecuted) -> dict[str, object]:
        return {
            "market": trade.market,
            "trade_id": trade.trade_id,
            "first_trade_id": trade.trade_id,
            "reversal_id": len(self.events),
            "outside_source": "engine",
            "outside_trade_id": f"t{trade.trade_id}",
            "traded_at": trade.occurred_at,
            "price_ticks": trade.price_ticks,
            "size_lots": trade.size_lots,
            "quote_quanta": trade.quote_quanta,
            "buyer": trade.buyer,
            "seller": trade.seller,
            "last_ticks": 77,
        }

    def mark(self, market: str, ticks: int, *, index: int = 1, open_interest: int = 0) -> None:
        self._say(
            MarkPriceUpdated,
            market=market,
            mark_ticks=ticks,
            index_ticks=index,
            index_stale=False,
            best_bid_ticks=None,
            best_ask_ticks=None,
            last_ticks=None,
            open_interest_lots=open_interest,
        )

    def fund(self, market: str, rate_ppb: int) -> None:
        self._say(
            FundingSettled,
            market=market,
            interval_start=self.at,
            rate_ppb=rate_ppb,
            mark_ticks=1,
            index_step_quanta=0,
            funding_index_quanta=0,
        )

    def liquidate(self, market: str, closed: int, taken_over: int, mark: int) -> None:
        self._say(
            LiquidationExecuted,
            account="carol",
            market=market,
            closed_lots=closed,
            taken_over_lots=taken_over,
            mark_ticks=mark,
            bankruptcy_price_ticks=mark - 1,
            fee_quanta=3,
            insurance_paid_quanta=0,
            equity_before_quanta=5,
            maintenance_margin_before_quanta=6,
            remaining_lots=0,
        )

    def _say(self, contract: type[E], **body: object) -> E:
        seq = len(self.events) + 1
        envelope = {"id": f"e-{seq}", "seq": seq, "occurred_at": self.at, "source": "matching"}
        event = contract.model_validate({**envelope, **body})
        self.events.append(event)
        return event


def trades_now(events: Iterable[TradingEvent]) -> list[TradeExecuted]:
    """The market trades as they hold after everything that was taken back or corrected, in the order of the stream."""
    trades: dict[int, TradeExecuted] = {}
    for event in events:
        if isinstance(event, TradeExecuted) and event.origin != "takeover":
            trades[event.trade_id] = event
        elif isinstance(event, TradeBusted):
            trades.pop(event.first_trade_id, None)
        elif isinstance(event, TradeCorrected):
            terms = {"price_ticks": event.new_price_ticks, "size_lots": event.new_size_lots}
            more = {"quote_quanta": event.new_quote_quanta, "taker_side": event.new_taker_side}
            trades[event.first_trade_id] = trades[event.first_trade_id].model_copy(update={**terms, **more})
    return list(trades.values())


def naive_candles(events: Iterable[TradingEvent]) -> list[Bar]:
    """One-minute candles of the market trades: (market, open time, o, h, l, c, lots, quanta, trades), in that order.

    As they were told at first; given `trades_now`, as they hold now.
    """
    trades = [event for event in events if isinstance(event, TradeExecuted) and event.origin != "takeover"]
    trades.sort(key=_place)
    bars: list[Bar] = []
    for (market, minute), group in groupby(trades, key=_place):
        inside = list(group)
        prices = [trade.price_ticks for trade in inside]
        lots = sum(trade.size_lots for trade in inside)
        quanta = sum(trade.quote_quanta for trade in inside)
        bars.append((market, minute, prices[0], max(prices), min(prices), prices[-1], lots, quanta, len(inside)))
    return bars


def _place(trade: TradeExecuted) -> tuple[str, int]:
    return trade.market, trade.occurred_at // MINUTE * MINUTE
