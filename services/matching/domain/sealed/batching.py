"""A round's end: what was not revealed expires, and what was is placed in the sequence of the salts."""

from cleartide.contracts import BatchEntry, BatchSequenced, CommitmentExpired
from cleartide.rules.sealing import seed_of, sequence

from services.matching.domain.answers import Sender
from services.matching.domain.deadlines import Deadline
from services.matching.domain.orders import place
from services.matching.domain.output import Output
from services.matching.domain.sealed import bonds
from services.matching.domain.sealed.record import Commitment, Round
from services.matching.domain.state import MatchingState
from services.matching.domain.waterfall import fund


def execute(state: MatchingState, deadline: Deadline, out: Output) -> None:
    """Place the orders of a batch. Each is judged when its turn comes, and answered like any other order."""
    ended = state.rounds.end(deadline.number)
    revealed: dict[str, Commitment] = {}
    funds = fund.balances((state.markets[ended.market],))
    for commitment in ended.commitments.values():
        if commitment.order is None:
            _expire(state, out, ended, commitment)
        else:
            revealed[commitment.digest] = commitment
    fund.announce(state, out, funds, "bond")
    salts = {digest: commitment.salt for digest, commitment in revealed.items()}
    batch = [revealed[digest] for digest in sequence(salts)]
    entries = tuple(BatchEntry(commitment_id=one.number, digest=one.digest, salt=one.salt) for one in batch)
    out.emit(BatchSequenced, round_id=ended.number, market=ended.market, seed=seed_of(salts), entries=entries)
    for commitment in batch:
        bonds.release(state, out, commitment)
    for commitment in batch:
        assert commitment.order is not None
        sender = Sender(commitment.account, ended.market, commitment.actor)
        place(state, out, sender, commitment.order, batched=True)


def _expire(state: MatchingState, out: Output, ended: Round, commitment: Commitment) -> None:
    market = state.markets[ended.market]
    bonds.forfeit(state, commitment, market)
    out.emit(
        CommitmentExpired,
        commitment_id=commitment.number,
        round_id=ended.number,
        account=commitment.account,
        market=ended.market,
        forfeited_quanta=commitment.bond,
        insurance_quanta=market.insurance.balance,
        reason="not_revealed",
    )
