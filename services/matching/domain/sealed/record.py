"""Rounds of sealed orders and the commitments in them, and what of them has changed since it was last collected."""

from dataclasses import dataclass, field

from cleartide.contracts import BatchTerms, OrderTerms

from services.matching.domain.deadlines import Deadline


@dataclass(slots=True, eq=False)
class Commitment:
    """One account's sealed order. bond: quanta that are locked for it. actor, salt and order: once it is revealed."""

    number: int
    round_id: int
    account: str
    digest: str
    bond: int
    actor: str | None = None
    salt: str = ""
    order: OrderTerms | None = None


@dataclass(slots=True, eq=False)
class Round:
    """A market's round: it collects until `closes_at`, hears reveals until `ends_at` (microseconds), then executes."""

    number: int
    market: str
    closes_at: int
    ends_at: int
    commitments: dict[int, Commitment] = field(default_factory=dict)

    @property
    def deadline(self) -> Deadline:
        """When its batch is due."""
        return Deadline(self.ends_at, "batch", self.number)

    def of(self, account: str) -> int:
        """How many commitments of an account are in it."""
        return sum(commitment.account == account for commitment in self.commitments.values())


class Rounds:
    """By number. `collecting`: the newest of each market; `commitments`: the last number given to one."""

    __slots__ = ("collecting", "commitments", "last", "open", "sealed", "touched", "touched_commitments")

    def __init__(self) -> None:
        self.open: dict[int, Round] = {}
        self.collecting: dict[str, Round] = {}
        self.sealed: dict[int, Commitment] = {}
        self.last = self.commitments = 0
        self.touched: set[int] = set()
        self.touched_commitments: set[int] = set()

    def take(self, market: str, terms: BatchTerms, at: int) -> Round:
        """The market's round that collects at this time; a new one where none does."""
        found = self.collecting.get(market)
        if found is not None and at < found.closes_at:
            return found
        self.last += 1
        closes_at = at + terms.commit_micros
        opened = Round(self.last, market, closes_at, closes_at + terms.reveal_micros)
        self.put(opened)
        self.touched.add(opened.number)
        return opened

    def put(self, opened: Round) -> None:
        """Make a round known; of a market's rounds the newest one collects."""
        self.open[opened.number] = self.collecting[opened.market] = opened

    def add(self, commitment: Commitment) -> None:
        """Make a commitment known to its round."""
        self.sealed[commitment.number] = self.open[commitment.round_id].commitments[commitment.number] = commitment

    def end(self, number: int) -> Round:
        """A round is over, and its commitments with it."""
        ended = self.open.pop(number)
        if self.collecting.get(ended.market) is ended:
            del self.collecting[ended.market]
        for commitment in ended.commitments:
            del self.sealed[commitment]
        self.touched.add(number)
        self.touched_commitments.update(ended.commitments)
        return ended
