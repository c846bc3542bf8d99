"""Sealed orders: committed to by a hash, opened together, placed in the sequence of their salts (decision 22)."""

from hashlib import sha256
from typing import Any, Final

from cleartide.contracts import (
    BatchEntry,
    BatchSequenced,
    CommitmentExpired,
    CommitmentRejected,
    CommitOrder,
    OrderCommitted,
    OrderRevealed,
    PlaceOrder,
    RevealOrder,
)
from cleartide.rules.sealing import digest_of

from services.matching.tests.model.collateral import SETTLEMENT
from services.matching.tests.model.margin import withdrawable
from services.matching.tests.model.moves import lock
from services.matching.tests.model.rights import require_market, require_right
from services.matching.tests.model.waterfall import funds, tell_funds
from services.matching.tests.model.world import RESERVED, Commitment, Market, Refusal, Round, World

MOST_OF_ACCOUNT: Final = 16
MOST_OF_ROUND: Final = 256


def commit(world: World, command: CommitOrder) -> None:
    """The bond is locked, and the commitment is in the round that collects now."""
    try:
        market = _known(world, command)
        bond = _judge(world, market, command)
    except Refusal as refusal:
        _reject(world, command, None, refusal.reason)
        return
    collecting = _collecting(world, market) or _open_round(world, market)
    world.commitment_number += 1
    made = Commitment(world.commitment_number, collecting.number, command.account, command.digest, bond)
    world.commitments[made.number] = made
    _move_bond(world, made, -1, "bond_locked")
    world.say(
        OrderCommitted,
        commitment_id=made.number,
        round_id=collecting.number,
        account=made.account,
        market=market.name,
        digest=made.digest,
        bond_quanta=bond,
        reveals_from=collecting.closes_at,
        reveals_until=collecting.ends_at,
    )


def reveal(world: World, command: RevealOrder) -> None:
    """The order is in the batch, if it is the one that was committed to."""
    try:
        market = _known(world, command)
        found = world.commitments.get(command.commitment_id)
        if found is None or found.account != command.account or world.rounds[found.round].market != market.name:
            raise Refusal("unknown_commitment")
        if world.at < world.rounds[found.round].closes_at:
            raise Refusal("still_collecting")
        if found.order is not None:
            raise Refusal("already_revealed")
        if digest_of(command.account, market.name, command.salt, command.order) != found.digest:
            raise Refusal("digest_mismatch")
    except Refusal as refusal:
        _reject(world, command, command.commitment_id, refusal.reason)
        return
    found.salt, found.actor, found.order = command.salt, command.actor, command.order
    world.say(
        OrderRevealed,
        commitment_id=found.number,
        round_id=found.round,
        account=found.account,
        market=market.name,
        client_order_id=command.order.client_order_id,
    )


def end(world: World, ended: Round) -> list[PlaceOrder]:
    """A round is over: what was not opened has lost its bond. Returns the orders, to be placed one after the other."""
    market, before = world.markets[ended.market], funds(world)
    mine = [one for _, one in sorted(world.commitments.items()) if one.round == ended.number]
    del world.rounds[ended.number]
    for one in mine:
        del world.commitments[one.number]
        if one.order is None:
            market.insurance += one.bond
            world.locked[SETTLEMENT, one.account] -= one.bond
            world.say(
                CommitmentExpired,
                commitment_id=one.number,
                round_id=ended.number,
                account=one.account,
                market=market.name,
                forfeited_quanta=one.bond,
                insurance_quanta=market.insurance,
                reason="not_revealed",
            )
    tell_funds(world, before, "bond")
    opened = sorted((one for one in mine if one.order is not None), key=lambda one: one.digest)
    seed = sha256("".join(one.digest + one.salt for one in opened).encode()).hexdigest()
    opened.sort(key=lambda one: sha256((seed + one.digest).encode()).hexdigest())
    entries = tuple(BatchEntry(commitment_id=one.number, digest=one.digest, salt=one.salt) for one in opened)
    world.say(BatchSequenced, round_id=ended.number, market=market.name, seed=seed, entries=entries)
    for one in opened:
        _move_bond(world, one, 1, "bond_returned")
    return [_as_placed(market, one) for one in opened]


def _as_placed(market: Market, one: Commitment) -> PlaceOrder:
    body: dict[str, Any] = dict(one.order or ()) | {"account": one.account, "actor": one.actor}
    return PlaceOrder(id="batch", source="batch", occurred_at=0, market=market.name, **body)


def _known(world: World, command: CommitOrder | RevealOrder) -> Market:
    if command.account in RESERVED:
        raise Refusal("reserved_account")
    if command.market not in world.markets:
        raise Refusal("unknown_market")
    if command.account not in world.accounts:
        raise Refusal("unknown_account")
    require_right(world, world.accounts[command.account], command.actor, "trade")
    require_market(world.accounts[command.account], command.market)
    return world.markets[command.market]


def _judge(world: World, market: Market, command: CommitOrder) -> int:
    """The bond. Raises Refusal."""
    terms, collecting = market.spec.batching, _collecting(world, market)
    if terms is None:
        raise Refusal("not_batched")
    if market.state == "delisted":
        raise Refusal("market_delisted")
    if (command.account, command.digest) in {(one.account, one.digest) for one in world.commitments.values()}:
        raise Refusal("duplicate_commitment")
    if collecting is not None:
        there = [one.account for one in world.commitments.values() if one.round == collecting.number]
        if there.count(command.account) >= MOST_OF_ACCOUNT:
            raise Refusal("too_many_commitments")
        if len(there) >= MOST_OF_ROUND:
            raise Refusal("round_full")
    if terms.bond_quanta > withdrawable(world, world.accounts[command.account]):
        raise Refusal("exceeds_withdrawable")
    return terms.bond_quanta


def _collecting(world: World, market: Market) -> Round | None:
    mine = (one for one in world.rounds.values() if one.market == market.name and world.at < one.closes_at)
    return next(mine, None)


def _open_round(world: World, market: Market) -> Round:
    terms = market.spec.batching
    assert terms is not None
    world.round_number += 1
    closes_at = world.at + terms.commit_micros
    made = Round(world.round_number, market.name, closes_at, closes_at + terms.reveal_micros)
    world.rounds[made.number] = made
    return made


def _move_bond(world: World, one: Commitment, way: int, kind: str) -> None:
    if not one.bond:
        return
    lock(world, world.accounts[one.account], -way * one.bond, kind, str(one.number))


def _reject(world: World, command: CommitOrder | RevealOrder, number: int | None, reason: str) -> None:
    world.say(CommitmentRejected, commitment_id=number, account=command.account, market=command.market, reason=reason)
