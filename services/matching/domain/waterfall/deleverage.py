"""Auto-deleveraging: a bankrupt position is closed against the most profitable ones of the other side (R24)."""

from fractions import Fraction
from typing import NamedTuple

from cleartide.contracts import PositionDeleveraged
from cleartide.rules.accounts import SYSTEM_ACCOUNTS

from services.matching.domain.accounts import Account, Holding
from services.matching.domain.margin import allows_fill, equity_of
from services.matching.domain.output import Output
from services.matching.domain.settlement import Deal, Party, execute
from services.matching.domain.state import MatchingState
from services.matching.domain.waterfall.score import places, ratio


class Bankrupt(NamedTuple):
    """Whose position goes, at which price in ticks, and the exact quanta that its holder is to be left with at most."""

    account: Account
    holding: Holding
    price: int
    value: int


class Candidate(NamedTuple):
    """A position of the other side. gain, cost: its score is their exact quotient; cost > 0."""

    account: Account
    holding: Holding
    gain: int
    cost: int

    @property
    def score(self) -> Fraction:
        """Its place in the ranking: the highest is closed first."""
        return Fraction(self.gain, self.cost)


def ranking(holding: Holding) -> list[Candidate]:
    """The positions against this one, the first to be closed first: profit times leverage, then account id.

    Holders without equity are left out: closing them at a price worse than the mark would make a second bankrupt.
    """
    market = holding.market
    found: list[Candidate] = []
    for name, account in market.holders.items():
        held = account.holdings[market.id]
        if held.lots * holding.lots >= 0 or name in SYSTEM_ACCOUNTS:
            continue
        equity = equity_of(account)
        if equity > 0:
            found.append(Candidate(account, held, *ratio(held.quote.balance, held.value, equity)))
    return [found[place] for place in places([(each.gain, each.cost, each.account.name) for each in found])]


def deleverage(state: MatchingState, out: Output, gone: Bankrupt) -> tuple[int, int]:
    """Close as much as the other side holds; returns (lots closed, what rounding the price brought the fund).

    A counterparty whom the trade would leave short of margin and riskier is passed over (3.11).
    """
    holding, market = gone.holding, gone.holding.market
    candidates = ranking(holding)
    side = 1 if holding.lots > 0 else -1
    closed = kept = 0
    for rank, candidate in enumerate(candidates, start=1):
        if not holding.lots:
            break
        lots = min(abs(holding.lots), abs(candidate.holding.lots))
        quote = gone.price * lots * market.unit
        if not candidate.account.fits(candidate.holding, quote):
            continue
        if not allows_fill(candidate.account, candidate.holding, side * lots, gone.price, 0):
            continue
        closed += lots
        if lots == abs(holding.lots):
            kept = max(0, side * (gone.price * closed * market.unit - gone.value))
        _trade(state, out, gone, candidate, lots, kept)
        out.emit(
            PositionDeleveraged,
            account=candidate.account.name,
            market=market.id,
            against=gone.account.name,
            trade_id=state.counters.trades,
            lots=lots,
            price_ticks=gone.price,
            rank=rank,
            candidates=len(candidates),
        )
    return closed, kept


def _trade(state: MatchingState, out: Output, gone: Bankrupt, candidate: Candidate, lots: int, fee: int) -> None:
    market = gone.holding.market
    giver = Party(gone.account, None, fee, market.insurance)
    taker = Party(candidate.account, None, 0, state.fees)
    if gone.holding.lots > 0:
        execute(state, out, Deal(market, gone.price, lots, "sell", "takeover"), taker, giver)
    else:
        execute(state, out, Deal(market, gone.price, lots, "buy", "takeover"), giver, taker)
