"""The roll-up the slow way, for the tests alone: every line and day from scratch, from the set of events that hold."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from cleartide.contracts.chain import (
    ChainEvent,
    ChainEventRetracted,
    FarmRewardsClaimed,
    VaultDeposited,
    VaultStateUpdated,
    VaultWithdrawn,
)

from services.vaults.tests.chain import DAY

Key = tuple[str, str, str]


def eager_days(events: Iterable[ChainEvent], closed_before: int) -> dict[tuple[str, str, str, int], tuple[int, ...]]:
    """(owner, protocol, asset, day) -> (equity start, equity end, deposits, withdrawals, fees, earned), where not 0."""
    known = {(each.chain, each.signature, each.event_index): each for each in events}
    gone = {
        (each.chain, each.retracted_signature, each.retracted_index)
        for each in known.values()
        if isinstance(each, ChainEventRetracted)
    }
    held = [each for key, each in known.items() if key not in gone]
    states = sorted(
        (each for each in held if isinstance(each, VaultStateUpdated)),
        key=lambda each: (each.block_time, each.slot, each.event_index, each.signature),
    )
    lines: dict[Key, list[Any]] = defaultdict(list)
    for each in held:
        if isinstance(each, VaultDeposited | VaultWithdrawn):
            lines[each.owner, each.protocol, each.asset].append(each)
        elif isinstance(each, FarmRewardsClaimed):
            lines[each.owner, each.protocol, each.reward_asset].append(each)
    days = {}
    for key, moves in lines.items():
        first = min(move.block_time for move in moves) // DAY * DAY
        for day in range(first, closed_before, DAY):
            figures = _figures(moves, states, day)
            if any(figures):
                days[(*key, day)] = figures
    return days


def _figures(moves: list[Any], states: list[VaultStateUpdated], day: int) -> tuple[int, ...]:
    start, end = _equity(moves, states, day), _equity(moves, states, day + DAY)
    paid_in = taken_out = fees = 0
    for move in moves:
        if day <= move.block_time < day + DAY:
            if isinstance(move, FarmRewardsClaimed):
                taken_out += move.gross_units - move.platform_fee_units
                fees += move.platform_fee_units
            elif isinstance(move, VaultDeposited):
                paid_in, fees = paid_in + move.amount_units, fees + move.fee_units
            else:
                taken_out, fees = taken_out + move.amount_units, fees + move.fee_units
    return start, end, paid_in, taken_out, fees, end - start - paid_in + taken_out + fees


def _equity(moves: list[Any], states: list[VaultStateUpdated], before: int) -> int:
    shares: dict[str, int] = defaultdict(int)
    for move in moves:
        if move.block_time < before and not isinstance(move, FarmRewardsClaimed):
            shares[move.vault] += move.shares_received if isinstance(move, VaultDeposited) else -move.shares_burned
    total = 0
    for vault, count in shares.items():
        own = [state for state in states if state.vault == vault]
        upto = [state for state in own if state.block_time < before]
        if own and count > 0:
            state = upto[-1] if upto else own[0]
            base = state.total_shares + state.virtual_shares
            total += count * (state.total_assets_units + state.virtual_assets_units) // base if base else 0
    return total
