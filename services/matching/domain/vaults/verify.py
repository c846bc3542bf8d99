"""What must hold of every vault between any two commands, to the unit (domain rule R36)."""

from collections import Counter

from services.matching.domain.deadlines import Deadline
from services.matching.domain.errors import InvariantBroken
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


def _queue(state: MatchingState, vault: OwnVault) -> None:
    waiting = Counter[str]()
    for exit_ in vault.book.queue:
        waiting[exit_.owner] += exit_.shares
    if any(shares > vault.book.holders[owner] for owner, shares in waiting.items()):
        raise InvariantBroken(f"{vault.name}: more shares wait than are held")
    if bool(vault.retry_at) != bool(waiting):
        raise InvariantBroken(f"{vault.name}: {len(vault.book.queue)} wait, looked after at {vault.retry_at}")
    if waiting and Deadline(vault.retry_at, "vault_queue", vault.number) not in state.deadlines:
        raise InvariantBroken(f"{vault.name}: nobody looks after who waits")
