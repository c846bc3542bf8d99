"""Money on its way in and out: credited once when it is confirmed, locked until it has left (row 5 of the issue).

A deposit waits for an hour and is credited also after that. A withdrawal that nobody has begun to send comes back after
an hour; one that is being sent comes back only at custody's word.
"""

from typing import Final

from cleartide.contracts import (
    CancelWithdrawal,
    CompleteWithdrawal,
    ConfirmDeposit,
    DepositProgressed,
    FailDeposit,
    FailWithdrawal,
    ReportDeposit,
    RequestWithdrawal,
    StartWithdrawal,
    TransferRejected,
    WithdrawalProgressed,
)

from services.matching.tests.model.collateral import require_asset
from services.matching.tests.model.money import require_free
from services.matching.tests.model.moves import keep, lock, move, next_number
from services.matching.tests.model.numbers import HOUR
from services.matching.tests.model.rights import known, require_payable, require_right
from services.matching.tests.model.texts import require_cap, require_room, units_of
from services.matching.tests.model.world import Incoming, Outgoing, Refusal, World

MOST_WITHDRAWALS: Final = 64
Key = tuple[str, str, int]


def report(world: World, command: ReportDeposit) -> None:
    """A deposit is seen; with confirmations enough it is credited at once. Raises Refusal."""
    asset = require_asset(world, command.asset)
    amount = units_of(world, asset, command.amount)
    key = asset, command.tx_id, command.output
    identity = f"{command.tx_id}:{command.output}"
    if ("deposit", asset, identity) in world.applied:
        raise Refusal("duplicate")
    require_payable(world, command.account, None)
    require_cap(world, amount, asset)
    require_room(world, command.account, amount, asset)
    world.applied.add(("deposit", asset, identity))
    counts = command.confirmations, command.confirmations_needed
    seen = Incoming(next_number(world), asset, command.account, amount, *counts, world.at)
    world.incoming[key] = seen
    if seen.confirmations >= seen.needed:
        _credit(world, key, seen)
    else:
        _tell_deposit(world, key, seen, "pending")


def confirm(world: World, command: ConfirmDeposit) -> None:
    """More blocks; fewer than before is old news. Raises Refusal."""
    key, seen = _seen(world, command)
    if command.confirmations >= seen.needed:
        require_room(world, seen.account, seen.amount, seen.asset)
        seen.confirmations = command.confirmations
        _credit(world, key, seen)
    elif command.confirmations > seen.confirmations:
        seen.confirmations = command.confirmations
        _tell_deposit(world, key, seen, seen.status)


def lose(world: World, command: FailDeposit) -> None:
    """It will never be confirmed. Raises Refusal."""
    key, seen = _seen(world, command)
    del world.incoming[key]
    _tell_deposit(world, key, seen, "failed")


def time_out(world: World) -> list[tuple[int, str, int]]:
    """(when, what, which) of all that an hour is over for by now."""
    found = [(one.seen_at + HOUR, "deposit", one.number) for one in world.incoming.values() if one.status == "pending"]
    found += [(one.asked_at + HOUR, "withdrawal", n) for n, one in world.outgoing.items() if one.status == "pending"]
    return [due for due in found if due[0] <= world.at]


def expect_no_more(world: World, number: int) -> None:
    """A deposit's hour is over."""
    for key, seen in world.incoming.items():
        if seen.number == number:
            _tell_deposit(world, key, seen, "expired")


def request(world: World, command: RequestWithdrawal) -> None:
    """An amount is locked, as far as it is free."""
    try:
        asset = require_asset(world, command.asset)
        amount = units_of(world, asset, command.amount)
        account = known(world, command.account)
        require_right(world, account, command.actor, "withdraw")
        if sum(one.account == account.name for one in world.outgoing.values()) >= MOST_WITHDRAWALS:
            raise Refusal("too_many_withdrawals")
        require_free(world, account, asset, amount)
    except Refusal as refusal:
        world.say(TransferRejected, account=command.account, reason=refusal.reason)
        return
    number = next_number(world)
    asked = world.outgoing[number] = Outgoing(account.name, asset, amount, command.destination, world.at)
    lock(world, account, amount, "locked", str(number), asset)
    _tell_withdrawal(world, number, asked, "pending")


def cancel(world: World, command: CancelWithdrawal) -> None:
    """Its owner takes it back, while nobody sends it."""
    try:
        account = known(world, command.account)
        require_right(world, account, command.actor, "withdraw")
        asked = world.outgoing.get(command.withdrawal_id)
        if asked is None or asked.account != account.name:
            raise Refusal("unknown_withdrawal")
        if asked.status != "pending":
            raise Refusal("already_processing")
    except Refusal as refusal:
        world.say(TransferRejected, account=command.account, reason=refusal.reason)
        return
    give_back(world, command.withdrawal_id, "canceled")


def start(world: World, command: StartWithdrawal) -> None:
    """Custody begins to send. Raises Refusal."""
    asked = _asked(world, command.withdrawal_id)
    if asked.status != "pending":
        raise Refusal("already_processing")
    _tell_withdrawal(world, command.withdrawal_id, asked, "processing")


def complete(world: World, command: CompleteWithdrawal) -> None:
    """It has left. Raises Refusal."""
    asked = _asked(world, command.withdrawal_id)
    del world.outgoing[command.withdrawal_id]
    world.locked[asked.asset, asked.account] -= asked.amount
    world.outside[asked.asset] += asked.amount
    _tell_withdrawal(world, command.withdrawal_id, asked, "completed", tx_id=command.tx_id)


def fail(world: World, command: FailWithdrawal) -> None:
    """It has not left. Raises Refusal."""
    _asked(world, command.withdrawal_id)
    give_back(world, command.withdrawal_id, "failed", command.reason)


def give_back(world: World, number: int, status: str, reason: str = "") -> None:
    """What was locked is the account's again."""
    asked = world.outgoing.pop(number)
    lock(world, world.accounts[asked.account], -asked.amount, "unlocked", str(number), asked.asset)
    _tell_withdrawal(world, number, asked, status, reason=reason)


def _seen(world: World, command: ConfirmDeposit | FailDeposit) -> tuple[Key, Incoming]:
    key = command.asset, command.tx_id, command.output
    seen = world.incoming.get(key)
    if seen is None:
        done = ("deposit", command.asset, f"{command.tx_id}:{command.output}") in world.applied
        raise Refusal("already_settled" if done else "unknown_deposit")
    return key, seen


def _asked(world: World, number: int) -> Outgoing:
    if number not in world.outgoing:
        raise Refusal("unknown_withdrawal")
    return world.outgoing[number]


def _credit(world: World, key: Key, seen: Incoming) -> None:
    del world.incoming[key]
    world.outside[seen.asset] -= seen.amount
    account, known_by = world.open_account(seen.account), f"{key[1]}:{key[2]}"
    move(world, account, seen.amount, "deposit", asset=seen.asset, reference=known_by)
    _tell_deposit(world, key, seen, "credited")


def _tell_deposit(world: World, key: Key, seen: Incoming, status: str) -> None:
    """What moved has been kept with its move."""
    seen.status = status
    asset, tx_id, output = key
    if status != "credited":
        keep(world, seen.account, "deposit", status, seen.amount, asset=asset, reference=f"{tx_id}:{output}")
    world.say(
        DepositProgressed,
        account=seen.account,
        asset=asset,
        tx_id=tx_id,
        output=output,
        amount_units=seen.amount,
        confirmations=seen.confirmations,
        confirmations_needed=seen.needed,
        status=status,
    )


def _tell_withdrawal(
    world: World, number: int, asked: Outgoing, status: str, *, tx_id: str = "", reason: str = ""
) -> None:
    asked.status = status
    if status in ("processing", "completed"):
        keep(
            world, asked.account, "withdrawal", status, -asked.amount, asset=asked.asset, reference=tx_id or str(number)
        )
    world.say(
        WithdrawalProgressed,
        account=asked.account,
        withdrawal_id=number,
        asset=asked.asset,
        amount_units=asked.amount,
        destination=asked.destination,
        status=status,
        tx_id=tx_id,
        reason=reason,
        expires_at=asked.asked_at + HOUR if status == "pending" else None,
    )
