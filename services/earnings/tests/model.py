"""A small venue that keeps accounts by domain rules R4, R5, R6 and R18, and says what it does as trading events.

It is written for these tests alone and shares no code with the service: balances come from here, and so does the
second opinion on every account's day (`Eager`), which looks at every account at every event.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from cleartide.contracts import (
    FundingSettled,
    MarginBracket,
    MarketListed,
    MarketSpec,
    MarkPriceUpdated,
    PositionChanged,
    TradingEvent,
    TransferApplied,
)

DAY = 86_400_000_000
START = 20_000 * DAY
UNITS = {"BTC-PERP": 100, "ETH-PERP": 7}
SYSTEM = ("outside", "insurance")


def listed(market: str, seq: int, at: int) -> MarketListed:
    """The event that opens a market whose u is UNITS[market]."""
    spec = MarketSpec(
        market=market,
        base="X",
        quote="USDC",
        tick_size="0.1",
        lot_size="0.001",
        brackets=(
            MarginBracket(
                upper_notional_quanta=None, initial_margin_ppb=50_000_000, maintenance_fraction_ppb=500_000_000
            ),
        ),
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
    return MarketListed(
        id=f"e-{seq}",
        seq=seq,
        occurred_at=at,
        source="matching",
        market=market,
        spec=spec,
        quanta_per_lot_tick=UNITS[market],
    )


@dataclass
class Held:
    """A position: lots, Q, and the funding index up to which it is settled."""

    lots: int = 0
    quote: int = 0
    index: int = 0


@dataclass
class Holder:
    """An account's cash and positions."""

    cash: int = 0
    positions: dict[str, Held] = field(default_factory=dict)


class Venue:
    """Turns moves into events. Every move happens at `at`, which the caller lets grow."""

    def __init__(self, markets: Iterable[str] = UNITS) -> None:
        self.at = START
        self.events: list[TradingEvent] = []
        self.holders: dict[str, Holder] = {}
        self.marks: dict[str, int] = {}
        self.index: dict[str, int] = {}
        for market in markets:
            self.index[market] = 0
            self.events.append(listed(market, len(self.events) + 1, self.at))

    def transfer(self, account: str, amount: int) -> None:
        """A deposit, or a withdrawal when negative."""
        holder = self.holders.setdefault(account, Holder())
        holder.cash += amount
        self.say(TransferApplied, account=account, amount_quanta=amount, cash_quanta=holder.cash)

    def mark(self, market: str, ticks: int) -> None:
        """A new mark price."""
        self.marks[market] = ticks
        self.say(
            MarkPriceUpdated,
            market=market,
            mark_ticks=ticks,
            index_ticks=ticks,
            index_stale=False,
            best_bid_ticks=None,
            best_ask_ticks=None,
            last_ticks=None,
            open_interest_lots=0,
        )

    def fund(self, market: str, step: int) -> None:
        """Move the funding index; nobody's cash moves yet."""
        self.index[market] += step
        self.say(
            FundingSettled,
            market=market,
            interval_start=self.at - self.at % 3_600_000_000,
            rate_ppb=1,
            mark_ticks=self.marks.get(market, 1),
            index_step_quanta=step,
            funding_index_quanta=self.index[market],
        )

    def trade(
        self, market: str, buyer: str, seller: str, lots: int, price: int, fees: tuple[int, int] = (0, 0)
    ) -> None:
        """A trade: the buyer's record, then the seller's."""
        self._side(buyer, market, lots, price, fees[0])
        self._side(seller, market, -lots, price, fees[1])

    def _side(self, account: str, market: str, fill: int, price: int, fee: int) -> None:
        """Funding of the old size and the profit of what is closed go to cash; a flip closes all and opens the rest."""
        holder = self.holders.setdefault(account, Holder())
        held = holder.positions.setdefault(market, Held())
        funding = -held.lots * (self.index[market] - held.index)
        flow = -fill * price * UNITS[market]
        realized = 0
        if held.lots * fill < 0 and abs(fill) > abs(held.lots):
            realized = held.quote + held.lots * price * UNITS[market]
        elif held.lots * fill < 0:
            part = held.quote * abs(fill)
            released = abs(part) // abs(held.lots) * (1 if part >= 0 else -1)
            realized = released + flow
        held.lots += fill
        held.quote += flow - realized
        held.index = self.index[market]
        holder.cash += realized + funding - fee
        self.say(
            PositionChanged,
            account=account,
            market=market,
            trade_id=len(self.events),
            fill_lots=fill,
            fill_price_ticks=price,
            realized_pnl_quanta=realized,
            funding_quanta=funding,
            fee_quanta=fee,
            lots=held.lots,
            quote_quanta=held.quote,
            cash_quanta=holder.cash,
            funding_index_quanta=held.index,
            origin="book",
        )

    def say(self, contract: type[TradingEvent], **body: object) -> None:
        """The next event of the stream."""
        seq = len(self.events) + 1
        envelope = {"id": f"e-{seq}", "seq": seq, "occurred_at": self.at, "source": "matching"}
        self.events.append(contract.model_validate({**envelope, **body}))


@dataclass
class EagerDay:
    """One account's day as added up event by event."""

    equity_start: int
    equity_end: int = 0
    flows: int = 0
    pnl: int = 0
    funding: int = 0
    fees: int = 0
    deposits: int = 0
    withdrawals: int = 0
    cumulative_earned: int = 0
    cumulative_net: int = 0
    weighted: int = 0

    def return_1e12(self) -> int | None:
        """Domain rule R35 in fractions, cut in the end."""
        base = self.equity_start + self.weighted
        if base <= 0:
            return None
        found = int(Fraction(self.equity_end - self.equity_start - self.flows, base) * 10**12)
        return found if abs(found) < 2**53 else None


class Eager:
    """Earnings the slow way: every mark and every funding step is booked at once to every holder."""

    def __init__(self) -> None:
        self.days: dict[tuple[str, int], EagerDay] = {}
        self.equity: dict[str, int] = {}
        self.lots: dict[tuple[str, str], int] = {}
        self.marks: dict[str, int] = {}
        self.newest: dict[str, int] = {}

    def run(self, events: Iterable[TradingEvent]) -> "Eager":
        """Book every event."""
        day = 0
        for event in events:
            today = event.occurred_at // DAY * DAY
            if today > day:
                for (account, _), lots in self.lots.items():
                    if lots:
                        self._day(account, today)
                day = today
            self._book(event, day)
        return self

    def _book(self, event: TradingEvent, day: int) -> None:
        if isinstance(event, TransferApplied):
            self._flow(event.account, day, event.amount_quanta, event.occurred_at)
        elif isinstance(event, FundingSettled):
            for account, lots in self._holders(event.market):
                self._add(account, day, funding=-lots * event.index_step_quanta)
        elif isinstance(event, MarkPriceUpdated):
            move = event.mark_ticks - self.marks.get(event.market, event.mark_ticks)
            self.marks[event.market] = event.mark_ticks
            for account, lots in self._holders(event.market):
                self._add(account, day, pnl=lots * move * UNITS[event.market])
        elif isinstance(event, PositionChanged) and event.account not in SYSTEM:
            mark = self.marks.setdefault(event.market, event.fill_price_ticks)
            gain = event.fill_lots * (mark - event.fill_price_ticks) * UNITS[event.market]
            self._add(event.account, day, pnl=gain, fees=event.fee_quanta)
            self.lots[event.account, event.market] = event.lots

    def _holders(self, market: str) -> list[tuple[str, int]]:
        return [(account, lots) for (account, name), lots in self.lots.items() if name == market and lots]

    def _day(self, account: str, day: int) -> EagerDay:
        start = self.equity.get(account, 0)
        before = self.days.get((account, self.newest.get(account, -1)), EagerDay(0))
        row = EagerDay(start, start)
        row.cumulative_earned, row.cumulative_net = before.cumulative_earned, before.cumulative_net
        self.newest[account] = day
        return self.days.setdefault((account, day), row)

    def _flow(self, account: str, day: int, amount: int, at: int) -> None:
        self._add(account, day, flows=amount)
        if account not in SYSTEM:
            row = self._day(account, day)
            row.deposits += max(amount, 0)
            row.withdrawals += max(-amount, 0)
            row.weighted += int(Fraction(amount * (day + DAY - at), DAY))

    def _add(self, account: str, day: int, *, flows: int = 0, pnl: int = 0, funding: int = 0, fees: int = 0) -> None:
        if account in SYSTEM:
            return
        row = self._day(account, day)
        row.flows += flows
        row.pnl += pnl
        row.funding += funding
        row.fees += fees
        row.equity_end += flows + pnl + funding - fees
        row.cumulative_earned += pnl + funding
        row.cumulative_net += pnl + funding - fees
        self.equity[account] = row.equity_end
