"""What must hold of every vault between any two commands, to the unit (domain rule R36)."""

from collections import Counter

from cleartide.rules.farms import SCALE

from services.matching.domain.deadlines import Deadline
from services.matching.domain.errors import InvariantBroken
from services.matching.domain.ledger import farm_name
from services.matching.domain.state import MatchingState
from services.matching.domain.vaults.record import OwnVault


def verify_vaults(state: MatchingState) -> None:
    """Raise InvariantBroken unless shares are the holders', claims are covered, and who waits has what he gives."""
    for vault in state.vaults.by_name.values():
        book = vault.book
        if book.shares != sum(book.holders.values()) or any(shares < 0 for shares in book.holders.values()):
            raise InvariantBroken(f"{vault.name}: {book.shares} shares, held {sum(book.holders.values())}")
        claims = sum(book.value_of(shares) for shares in book.holders.values())
        if claims > book.assets or min(book.assets, book.fees) < 0:
            raise InvariantBroken(f"{vault.name}: claims of {claims} on {book.assets}, fees {book.fees}")
        _queue(state, vault)
        _farm(state, vault)


def _queue(state: MatchingState, vault: OwnVault) -> None:
    waiting = Counter[str]()
    for exit_ in vault.book.queue:
        waiting[exit_.owner] += exit_.shares
    if any(shares > vault.book.holders[owner] for owner, shares in waiting.items()):
        raise InvariantBroken(f"{vault.name}: more shares wait than are held")
    if any(shares + waiting[owner] > vault.book.holders.get(owner, 0) for owner, shares in vault.book.staked.items()):
        raise InvariantBroken(f"{vault.name}: more shares are staked than are held")
    if bool(vault.retry_at) != bool(waiting):
        raise InvariantBroken(f"{vault.name}: {len(vault.book.queue)} wait, looked after at {vault.retry_at}")
    if waiting and Deadline(vault.retry_at, "vault_queue", vault.number) not in state.deadlines:
        raise InvariantBroken(f"{vault.name}: nobody looks after who waits")


def _farm(state: MatchingState, vault: OwnVault) -> None:
    farm = vault.farm
    if farm is None:
        return
    staked = {owner: stake.shares for owner, stake in farm.stakes.items()}
    if farm.staked != sum(staked.values()) or any(vault.book.staked[owner] != staked[owner] for owner in staked):
        raise InvariantBroken(f"{vault.name}: {farm.staked} shares are staked, of {staked}")
    owed = sum(stake.pending + stake.shares * (farm.earned - stake.credited) // SCALE for stake in farm.stakes.values())
    pot = state.ledger.accounts.get(farm_name(vault.name))
    if owed + farm.to_come > (pot.balance if pot is not None else 0):
        raise InvariantBroken(f"{vault.name}: the farm owes {owed} and has {farm.to_come} to come")
