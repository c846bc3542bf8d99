"""Event -> domain -> effects. An event counts once, by (chain, signature, event_index); its block time closes days."""

from typing import Any, Final

import msgspec
from cleartide.contracts.chain import (
    ChainEvent,
    ChainEventRetracted,
    EmergencyActionTaken,
    FarmMove,
    FarmRewardsClaimed,
    FeeConfigUpdated,
    KaminoDeposited,
    KaminoStaked,
    KaminoUnstaked,
    KaminoWithdrawn,
    PlatformFeeUpdated,
    PlatformFeeWalletUpdated,
    ProtocolConfigUpdated,
    VaultDeposited,
    VaultEvent,
    VaultHarvested,
    VaultInflow,
    VaultOutflow,
    VaultRebalanced,
    VaultStateUpdated,
    VaultSwapped,
    VaultWithdrawn,
    WithdrawalQueued,
    YieldDayRecorded,
)
from cleartide.fold import Effects, Handlers, Reject
from cleartide.rules.calendar import day_of
from cleartide.rules.returns import ppb_of_bps

from services.vaults.domain.ledger import EventKey, Move, Point
from services.vaults.domain.state import Brake, Cursor, Note, PricePoint, Report, Seen, VaultFacts, VaultsState

AHEAD_MICROS: Final = 600_000_000
"""How far a block's time may be ahead of when we got it: a wrong clock must not close days that are not over."""
_ENVELOPE: Final = frozenset(ChainEvent.model_fields)


def on_inflow(state: VaultsState, event: VaultInflow, effects: Effects) -> None:
    """Money came into a vault for an owner: a flow of the whole amount, of which the fee was kept."""
    if event.fee_units > event.amount_units:
        raise Reject("fee_exceeds_amount", f"{event.fee_units} of {event.amount_units}")
    move = _move(event, event.owner)._replace(
        deposit=event.amount_units, fee=event.fee_units, shares=event.shares_received
    )
    _apply(state, event, effects, move)


def on_outflow(state: VaultsState, event: VaultOutflow, effects: Effects) -> None:
    """Money reached an owner's wallet; the fee was kept beside it."""
    move = _move(event, event.owner)._replace(
        withdrawal=event.amount_units, fee=event.fee_units, shares=-event.shares_burned
    )
    _apply(state, event, effects, move)


def on_staked(state: VaultsState, event: FarmMove, effects: Effects) -> None:
    """Shares went into a farm or came back: they stay their owner's, and earn as before."""
    sign = 1 if isinstance(event, KaminoStaked) else -1
    _apply(state, event, effects, _move(event, event.owner)._replace(staked=sign * event.shares))


def on_claimed(state: VaultsState, event: FarmRewardsClaimed, effects: Effects) -> None:
    """Rewards are earned gross when they are claimed, and leave at once: the fee is kept, the rest is a flow out."""
    if event.platform_fee_units > event.gross_units:
        raise Reject("fee_exceeds_amount", f"{event.platform_fee_units} of {event.gross_units}")
    move = _move(event, event.owner)._replace(
        vault="",
        asset=event.reward_asset,
        withdrawal=event.gross_units - event.platform_fee_units,
        fee=event.platform_fee_units,
    )
    if _apply(state, event, effects, move):
        state.notes.append(_note(event))


def on_state(state: VaultsState, event: VaultStateUpdated, effects: Effects) -> None:
    """What a vault holds by its own ledger values every share in it from its block on."""
    key = _key(event)
    point = Point(
        event.block_time,
        event.slot,
        event.event_index,
        event.signature,
        event.chain,
        event.total_assets_units,
        event.total_shares,
        event.virtual_assets_units,
        event.virtual_shares,
    )
    known = PricePoint(key, VaultFacts(event.vault, event.protocol, event.asset), point)
    if state.decimals.get(event.asset, event.decimals) != event.decimals:
        # Units of one asset are added up over vaults and chains.
        raise Reject("decimals_mismatch", f"{event.asset} has {state.decimals[event.asset]}, not {event.decimals}")
    if not _is_new(state, event, effects, state.points.get(key, known) == known):
        return
    state.decimals[event.asset] = event.decimals
    state.advance(event.block_time)
    state.price(known, effects.seq)
    lending, incentives = ppb_of_bps(event.lending_apy_bps), ppb_of_bps(event.incentives_apy_bps)
    status = event.status if "status" in event.model_fields_set else None
    state.reports.append(Report(known, lending, incentives, event.price_quanta, event.decimals, status))
    _publish(state, effects)


def on_note(state: VaultsState, event: ChainEvent, effects: Effects) -> None:
    """What moves no owner's money: kept for reading."""
    _keep(state, event, effects)


def on_brake(state: VaultsState, event: EmergencyActionTaken, effects: Effects) -> None:
    """A brake says at once whether the vault takes anything, until the next brake or the next status it reports."""
    if _keep(state, event, effects):
        state.brakes.append(Brake(_key(event), event.vault, event.slot, event.block_time, event.action))


def on_retracted(state: VaultsState, event: ChainEventRetracted, effects: Effects) -> None:
    """An event is not on the chain: it counts no longer, or not when it comes."""
    if not _is_new(state, event, effects, same=True):
        return
    state.advance(event.block_time)
    state.note(_key(event))
    key = EventKey(event.chain, event.retracted_signature, event.retracted_index)
    state.retract(key, effects.seq, event.reason)
    _publish(state, effects)


def _keep(state: VaultsState, event: ChainEvent, effects: Effects) -> bool:
    if not _is_new(state, event, effects, same=True):
        return False
    state.advance(event.block_time)
    state.note(_key(event))
    state.notes.append(_note(event))
    _publish(state, effects)
    return True


def _apply(state: VaultsState, event: VaultEvent, effects: Effects, move: Move) -> bool:
    if not _is_new(state, event, effects, state.moves.get(move.key, move) == move, move):
        return False
    state.advance(event.block_time)
    state.move(move, effects.seq)
    _publish(state, effects)
    return True


def _is_new(state: VaultsState, event: ChainEvent, effects: Effects, same: bool, move: Move | None = None) -> bool:
    """Whether it has to be counted; raises Reject before anything is changed."""
    key = _key(event)
    if not same:
        raise Reject("conflicting_event", f"{key} was told with another content")
    if event.block_time > effects.at + AHEAD_MICROS:
        raise Reject("from_the_future", f"block time {event.block_time}, received at {effects.at}")
    if isinstance(event, VaultEvent):
        facts = VaultFacts(event.vault, event.protocol, event.asset)
        if state.vaults.get(event.vault, facts) != facts:
            raise Reject("vault_mismatch", f"{event.vault} is {state.vaults[event.vault]}")
    cursor = state.cursors.setdefault(event.chain, Cursor())
    state.touched_cursors.add(event.chain)
    if state.knows(key):
        cursor.duplicates += 1
        return False
    cursor.events += 1
    cursor.late += day_of(event.block_time) < state.day
    if (event.block_time, event.slot) >= (cursor.block_time, cursor.slot):
        cursor.slot, cursor.block_time, cursor.received_at = event.slot, event.block_time, effects.at
    vault, owner = getattr(event, "vault", ""), getattr(event, "owner", "")
    state.seen.append(Seen(key, effects.seq, event.type, vault, owner, event.slot, event.block_time, move))
    return True


def _key(event: ChainEvent) -> EventKey:
    return EventKey(event.chain, event.signature, event.event_index)


def _move(event: VaultEvent, owner: str) -> Move:
    return Move(_key(event), owner, event.vault, event.protocol, event.asset, event.slot, event.block_time)


def _note(event: ChainEvent) -> Note:
    body: dict[str, Any] = {name: value for name, value in event.model_dump().items() if name not in _ENVELOPE}
    return Note(
        key=_key(event),
        kind=event.type,
        vault=getattr(event, "vault", ""),
        owner=getattr(event, "owner", ""),
        slot=event.slot,
        block_time=event.block_time,
        body=msgspec.json.encode(body).decode(),
    )


def _publish(state: VaultsState, effects: Effects) -> None:
    for line, revision, row in state.told[state.published :]:
        effects.emit(
            YieldDayRecorded,
            owner=line.owner,
            protocol=line.protocol,
            asset=line.asset,
            day=row.day,
            revision=revision,
            equity_start_units=row.equity_start,
            equity_end_units=row.equity_end,
            deposits_units=row.deposits,
            withdrawals_units=row.withdrawals,
            fees_units=row.fees,
            yield_units=row.earned,
            return_1e12=row.return_1e12,
        )
    state.published = len(state.told)


HANDLERS: Final[Handlers] = {
    VaultDeposited: on_inflow,
    KaminoDeposited: on_inflow,
    VaultWithdrawn: on_outflow,
    KaminoWithdrawn: on_outflow,
    KaminoStaked: on_staked,
    KaminoUnstaked: on_staked,
    FarmRewardsClaimed: on_claimed,
    VaultStateUpdated: on_state,
    ProtocolConfigUpdated: on_note,
    FeeConfigUpdated: on_note,
    EmergencyActionTaken: on_brake,
    PlatformFeeUpdated: on_note,
    PlatformFeeWalletUpdated: on_note,
    VaultSwapped: on_note,
    VaultRebalanced: on_note,
    VaultHarvested: on_note,
    WithdrawalQueued: on_note,
    ChainEventRetracted: on_retracted,
}
