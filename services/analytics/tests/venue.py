"""A venue small enough to check by eye: what matching says of trades between accounts, cash and positions."""

from collections import defaultdict

from cleartide.contracts import (
    FundingSettled,
    PositionChanged,
    TradeBusted,
    TradeCorrected,
    TradeExecuted,
    TransferApplied,
)

from services.analytics.tests.tape import MINUTE, START, Tape, U

DAY = 1_440 * MINUTE


class Held:
    """One position: lots, quote amount (domain rule R4) and the index up to which funding is settled."""

    def __init__(self, settled: int) -> None:
        self.lots, self.quote, self.settled = 0, 0, settled


class Venue(Tape):
    """Trades come with both sides' PositionChanged; deposits and funding move what they move."""

    def __init__(self, at: int = START) -> None:
        super().__init__(at)
        self.cash: dict[str, int] = defaultdict(int)
        self.held: dict[tuple[str, str], Held] = {}
        self.index: dict[str, int] = defaultdict(int)

    def deposit(self, account: str, amount: int, kind: str = "external") -> None:
        """Money comes, or goes when the amount is negative."""
        self.cash[account] += amount
        self._say(TransferApplied, account=account, amount_quanta=amount, cash_quanta=self.cash[account], kind=kind)

    def deal(self, market: str, price: int, lots: int, buyer: str, seller: str, fee: int = 0) -> TradeExecuted:
        """A trade between two accounts; the buyer is the taker and pays the fee, half of it is the seller's rebate."""
        trade = self._say(
            TradeExecuted,
            market=market,
            trade_id=len(self.events),
            price_ticks=price,
            size_lots=lots,
            quote_quanta=price * lots * U,
            buyer=buyer,
            seller=seller,
            buy_order_id=None,
            sell_order_id=None,
            taker_side="buy",
            origin="outside",
        )
        self._sides(market, trade.trade_id, price, lots, (buyer, fee), (seller, -(fee // 2)))
        return trade

    def take_back(self, trade: TradeExecuted) -> None:
        """Bust: both sides trade the other way round."""
        self._say(TradeBusted, **self._void(trade), reason="erroneous")
        self._sides(
            trade.market, len(self.events), trade.price_ticks, -trade.size_lots, (trade.buyer, 0), (trade.seller, 0)
        )

    def put_right(self, trade: TradeExecuted, price: int, lots: int) -> TradeExecuted:
        """Correct price, size and seller. Returns the trade as it is now."""
        seller = f"{trade.buyer}2"
        event = self._say(
            TradeCorrected,
            **self._void(trade),
            reason="wrong",
            replacement_id=len(self.events) + 1,
            new_price_ticks=price,
            new_size_lots=lots,
            new_quote_quanta=price * lots * U,
            new_buyer=trade.buyer,
            new_seller=seller,
            new_taker_side="sell",
        )
        self._sides(
            trade.market, event.reversal_id, trade.price_ticks, -trade.size_lots, (trade.buyer, 0), (trade.seller, 0)
        )
        self._sides(trade.market, event.replacement_id, price, lots, (trade.buyer, 0), (seller, 0))
        terms = {"price_ticks": price, "size_lots": lots, "quote_quanta": price * lots * U, "seller": seller}
        return trade.model_copy(update=terms)

    def pay_funding(self, market: str, rate_ppb: int, mark: int) -> None:
        """Move the market's funding index."""
        step = mark * U * rate_ppb // 10**9
        self.index[market] += step
        self._say(
            FundingSettled,
            market=market,
            interval_start=self.at,
            rate_ppb=rate_ppb,
            mark_ticks=mark,
            index_step_quanta=step,
            funding_index_quanta=self.index[market],
        )

    def _void(self, trade: TradeExecuted) -> dict[str, object]:
        return self._restated(trade) | {"first_trade_id": trade.trade_id}

    def _sides(
        self, market: str, trade_id: int, price: int, lots: int, buyer: tuple[str, int], seller: tuple[str, int]
    ) -> None:
        for (account, fee), fill in ((buyer, lots), (seller, -lots)):
            self._change(account, market, trade_id, fill, price, fee)

    def _change(self, account: str, market: str, trade_id: int, fill: int, price: int, fee: int) -> None:
        """Domain rules R4 and R5: a reduction releases its share of the quote amount, a flip all of it."""
        held = self.held.setdefault((account, market), Held(self.index[market]))
        funding = -held.lots * (self.index[market] - held.settled)
        flow, realized = -fill * price * U, 0
        if held.lots and (held.lots > 0) != (fill > 0):
            if abs(fill) <= abs(held.lots):
                share = abs(held.quote) * abs(fill) // abs(held.lots)
                released = share if held.quote >= 0 else -share
                realized, held.quote = released + flow, held.quote - released
            else:
                realized = held.quote + held.lots * price * U
                held.quote = -(fill + held.lots) * price * U
        else:
            held.quote += flow
        held.lots += fill
        held.settled = self.index[market]
        if held.lots == 0:
            del self.held[account, market]
        self.cash[account] += realized + funding - fee
        self._say(
            PositionChanged,
            account=account,
            market=market,
            trade_id=trade_id,
            fill_lots=fill,
            fill_price_ticks=price,
            realized_pnl_quanta=realized,
            funding_quanta=funding,
            fee_quanta=fee,
            lots=held.lots,
            quote_quanta=held.quote,
            cash_quanta=self.cash[account],
            funding_index_quanta=self.index[market],
            origin="outside",
            referral_quanta=fee // 4 if fee > 0 else 0,
        )
