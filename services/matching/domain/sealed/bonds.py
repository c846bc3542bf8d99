"""The bond of a commitment: locked, then returned, or lost to the market's insurance fund."""

from cleartide.rules.assets import SETTLEMENT_ASSET

from services.matching.domain.assets import Asset
from services.matching.domain.ledger import locked_name
from services.matching.domain.market import Market
from services.matching.domain.moves import shift
from services.matching.domain.output import Output
from services.matching.domain.sealed.record import Commitment
from services.matching.domain.state import MatchingState
from services.matching.domain.treasury import Escrow


def asset(state: MatchingState) -> Asset:
    """What bonds are paid in."""
    return state.treasury.assets[SETTLEMENT_ASSET]


def lock(state: MatchingState, out: Output, commitment: Commitment) -> None:
    """Take the bond out of the account's equity."""
    if commitment.bond:
        account, reference = state.accounts[commitment.account], str(commitment.number)
        escrow = Escrow(account.name)
        shift(state, out, "bond_locked", account, escrow, asset(state), commitment.bond, reference=reference)


def release(state: MatchingState, out: Output, commitment: Commitment) -> None:
    """Give the bond back."""
    if commitment.bond:
        account, reference = state.accounts[commitment.account], str(commitment.number)
        escrow = Escrow(account.name)
        shift(state, out, "bond_returned", escrow, account, asset(state), commitment.bond, reference=reference)


def forfeit(state: MatchingState, commitment: Commitment, market: Market) -> None:
    """Let the insurance fund have the bond."""
    if commitment.bond:
        escrow = state.ledger.account(locked_name(SETTLEMENT_ASSET, commitment.account), SETTLEMENT_ASSET)
        state.ledger.move("bond_forfeited", escrow, market.insurance, commitment.bond)
