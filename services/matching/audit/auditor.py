"""The auditor: keeps books of its own from what is written, and holds the tables to them.

    postings -> sum of every ledger account            = its balance
    trades   -> lots and Q of every position           = the position, and the balance that holds its Q
             -> fees of every account and pot          = what was posted as fees
             -> shares of referrers                    = what was posted to them
    steps of transfers -> what each balance gained     = what was posted to it beside trades
    withdrawals on their way, bonds of sealed orders   = what is locked
    revenue                                            = what the fees' pot gained
    whole tables, now and then: every asset sums to zero; lots of every market sum to zero, and the longs are its open
    interest; what is not yet paid of funding is what the market's pot holds

What is read in parts is compared only when it is complete, at one position of the database.

The work of a busy second is done in steps, between which the fold may have its turn: a step yields what it has found,
or None.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

from services.matching.audit.evidence import Fill, Finding, Marks, News, Posting, View, Wanted
from services.matching.audit.postings import NEVER_BELOW_ZERO, OWN, TRADING, check_transaction, market_of, owner_of
from services.matching.audit.trades import after, check_rates, check_terms, pots_of_fees, share_of, sides

PositionKey = tuple[str, str]
Steps = Iterator[Finding | None]


class Period:
    """What was posted, and what should have been by trades and transfers, since the last complete look."""

    def __init__(self) -> None:
        self.touched: set[str] = set()
        self.fills: list[Fill] = []
        self.positions: set[PositionKey] = set()
        self.fees: Counter[str] = Counter()
        self.shares: Counter[str] = Counter()
        self.moves: Counter[tuple[str, str]] = Counter()


class Auditor:
    """Starts from the sums of all postings so far and from the positions as they are; from there on by itself.

    sums: by ledger account. lots: by (account, market). What is found once is taken over as it stands, so that it is
    not found again with every further trade; sums of postings never are.
    """

    def __init__(self, sums: Mapping[str, int], lots: Mapping[PositionKey, int], marks: Marks) -> None:
        self.marks = marks
        self._sums = Counter(sums)
        self._lots = dict(lots)
        self._costs = {key: self._sums[f"position:{key[1]}:{key[0]}"] for key in lots}
        self._referrers: dict[str, str] = {}
        self._kept: int | None = None
        self._changes = -1
        self._cursor = ""
        self._locks = {name for name in sums if name.startswith("locked:")}
        self._period = Period()

    def take(self, news: News) -> list[Finding]:
        """Book what is new. Returns what is wrong with it in itself."""
        return found(self.taking(news))

    def taking(self, news: News) -> Steps:
        """The same in steps, all of which have to be made."""
        yield from self._numbers(news)
        for _, group in groupby(news.postings, attrgetter("transaction_id")):
            legs = list(group)
            yield from check_transaction(legs)
            for posting in legs:
                self._post(posting)
            yield None
        for fill in news.fills:
            self._trade(fill)
            yield None
        for move in news.moves:
            self._period.moves[move.account, move.asset] += move.moved
            yield None
        self.marks = news.marks

    def wanted(self) -> Wanted:
        """The rows that a view needs to hold: those of what has moved, and the next part of all others."""
        traders = {sides(fill)[0][0] for fill in self._period.fills}
        return Wanted(sorted(self._period.touched), sorted(self._period.positions), sorted(traders), self._cursor)

    def compare(self, view: View) -> list[Finding]:
        """Hold a complete view to the books, and begin a new period."""
        return found(self.comparing(view))

    def comparing(self, view: View) -> Steps:
        """The same in steps, all of which have to be made."""
        yield from self._balances(view)
        yield from self._positions(view)
        yield from self._trades(view)
        yield from self._fees()
        yield from self._transfers()
        yield from self._locked(view)
        yield from self._wholes(view)
        self._referrers.update(view.referrers)
        self._changes, self._cursor, self._period = self.marks.changes, view.cursor, Period()

    def _numbers(self, news: News) -> Iterator[Finding]:
        """Nothing is left out: transactions and trades are numbered without a gap up to the marks."""
        last, now = self.marks, news.marks
        kinds: Sequence[tuple[str, int, int, Iterable[int]]] = (
            ("transaction", last.transactions, now.transactions, (leg.transaction_id for leg in news.postings)),
            ("trade", last.trades, now.trades, (fill.trade_id for fill in news.fills)),
        )
        for name, first, mark, numbers in kinds:
            found = list(dict.fromkeys(numbers))
            if found != list(range(first + 1, mark + 1)):
                yield Finding("numbers", None, f"{name}s {first + 1} to {mark}: {len(found)} found")

    def _post(self, posting: Posting) -> None:
        account, amount, period = posting.account, posting.amount, self._period
        self._sums[account] += amount
        period.touched.add(account)
        pot = account.partition(":")[0]
        if pot == "locked":
            self._locks.add(account)
        if posting.kind == "fee":
            period.fees[account] -= amount
        elif posting.kind == "referral" and pot == "referral":
            period.shares[account] -= max(0, amount)
        elif posting.kind == "settlement" and pot == "position":
            key = (owner_of(account), market_of(account) or "")
            self._lots[key] = self._costs[key] = 0
            period.positions.add(key)
        if pot in OWN and posting.kind not in TRADING:
            period.moves[owner_of(account), posting.asset] -= amount

    def _trade(self, fill: Fill) -> None:
        period = self._period
        period.fills.append(fill)
        for account, bought, paid in ((fill.buyer, fill.lots, fill.quote), (fill.seller, -fill.lots, -fill.quote)):
            key = (account, fill.market)
            lots, cost = self._lots.get(key, 0), self._costs.get(key, 0)
            self._lots[key], self._costs[key] = after(lots, cost, bought, paid)
            period.positions.add(key)
        for account, _, fee in sides(fill):
            period.fees[f"cash:{account}"] -= fee
        for pot, fee in pots_of_fees(fill).items():
            period.fees[pot] += fee

    def _balances(self, view: View) -> Steps:
        for name in sorted({*self._period.touched, *view.balances}):
            yield None
            held = view.balances[name][1] if name in view.balances else 0
            posted = self._sums[name]
            if held != posted:
                yield Finding("balance", market_of(name), f"{name} holds {held}, its postings sum to {posted}")
            if held < 0 and name.partition(":")[0] in NEVER_BELOW_ZERO:
                yield Finding("overdrawn", market_of(name), f"{name} holds {held}")
            if held and name.startswith("settlement:"):
                yield Finding("settlement", market_of(name), f"{name} is left with {held}")

    def _positions(self, view: View) -> Steps:
        for key in sorted(self._period.positions):
            yield None
            account, market = key
            name = f"position:{market}:{account}"
            held, cost = view.lots.get(key, 0), self._sums[name]
            if (held, cost) != (self._lots[key], self._costs[key]):
                told = f"{account} holds {held} lots for {cost}"
                yield Finding("position", market, f"{told}, its trades make {self._lots[key]} for {self._costs[key]}")
            self._lots[key], self._costs[key] = held, cost
            if not held:
                del self._lots[key], self._costs[key]

    def _trades(self, view: View) -> Steps:
        """Rates are held to trades only where no operator has changed anything since the last complete look."""
        exact = self._changes == self.marks.changes
        for fill in self._period.fills:
            yield None
            rules = view.rules.get(fill.market)
            yield from check_terms(fill, rules)
            if rules is not None and exact:
                yield from check_rates(fill, rules, view.discount_ppb)
        if exact:
            yield from self._shares(view)

    def _shares(self, view: View) -> Iterator[Finding]:
        """What referrers got. A taker that may have found its referrer meanwhile makes the period undecidable."""
        period = self._period
        for fill in period.fills:
            taker, order, _ = sides(fill)[0]
            referrer = view.referrers.get(taker, "")
            if referrer != self._referrers.get(taker, ""):
                return
            if referrer and order is not None:
                period.shares[f"referral:{referrer}"] += share_of(fill, view.share_ppb)
        for pot, missing in sorted(period.shares.items()):
            if missing:
                yield Finding("referral", None, f"{pot} got {missing} too little of the fees")

    def _fees(self) -> Iterator[Finding]:
        for name, missing in sorted(self._period.fees.items()):
            if missing:
                yield Finding("fee", market_of(name), f"{name} got {missing} too little by the trades' fees")

    def _transfers(self) -> Iterator[Finding]:
        for (account, asset), missing in sorted(self._period.moves.items()):
            if missing:
                yield Finding("transfer", None, f"{account} got {missing} {asset} too little by its transfers")

    def _locked(self, view: View) -> Iterator[Finding]:
        for name in sorted({*self._locks, *view.locked}):
            held, leaving = self._sums[name], view.locked.get(name, 0)
            if held != leaving:
                yield Finding("locked", None, f"{name} holds {held}, withdrawals on their way and bonds are {leaving}")
            if not held:
                self._locks.discard(name)

    def _wholes(self, view: View) -> Iterator[Finding]:
        kept = self._sums["fees"] - view.revenue
        if self._kept is not None and kept != self._kept:
            yield Finding("revenue", None, f"the fees' pot has {kept - self._kept} that the revenue does not tell")
        self._kept = kept
        for asset, units in sorted((view.pots or {}).items()):
            if units:
                yield Finding("sum", None, f"balances of {asset} sum to {units}")
        for market, found in sorted((view.totals or {}).items()):
            if found.lots or found.longs != found.open_interest:
                told = f"lots sum to {found.lots}, longs {found.longs}, open interest {found.open_interest}"
                yield Finding("lots", market, f"{market}: {told}")
            pot = self._sums[f"funding:{market}"]
            if pot != found.unsettled:
                yield Finding("funding", market, f"{market}: the pot holds {pot}, unpaid is {found.unsettled}")


def found(steps: Steps) -> list[Finding]:
    """Make all steps at once."""
    return [finding for finding in steps if finding is not None]
