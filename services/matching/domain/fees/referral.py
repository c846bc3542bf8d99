"""Who brought whom, and the rewards that come of it."""

from cleartide.contracts import ClaimReferralRewards, ReferrerSet, SetReferrer, TransferApplied
from cleartide.rules.assets import SETTLEMENT_ASSET
from cleartide.rules.fees import REFERRAL

from services.matching.domain.access import known, require_owner
from services.matching.domain.errors import Refused
from services.matching.domain.ledger import referral_name
from services.matching.domain.moves import asset_of, require_room
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState
from services.matching.domain.subaccounts import reject


def set_referrer(state: MatchingState, command: SetReferrer, out: Output) -> None:
    """Once for a family, by its head; neither oneself nor somebody whom one has brought."""
    try:
        account, referrer = known(state, command.account), known(state, command.referrer)
        require_owner(account, command.actor)
        if account.root != account.name or referrer.root != referrer.name:
            raise Refused("not_head_of_family")
        standing = account.standing
        if standing.referrer:
            raise Refused("already_referred")
        if referrer is account:
            raise Refused("own_account")
        if referrer.standing.referrer == account.name:
            raise Refused("circular")
    except Refused as verdict:
        reject(out, command.account, command.type, verdict.reason)
        return
    book = state.treasury.fees
    book.refer(standing, referrer.name)
    book.changed_referrers.add(account.name)
    out.emit(ReferrerSet, account=account.name, referrer=referrer.name)


def claim(state: MatchingState, command: ClaimReferralRewards, out: Output) -> None:
    """Everything that has accrued goes to cash."""
    account = known(state, command.account)
    require_owner(account, command.actor)
    pot = state.ledger.accounts.get(referral_name(account.name))
    if pot is None or pot.balance <= 0:
        raise Refused("nothing_to_claim")
    amount, settlement = pot.balance, asset_of(state, SETTLEMENT_ASSET)
    require_room(state, account, settlement, amount)
    state.ledger.move(REFERRAL, pot, account.cash, amount)
    state.treasury.log.moved(out.at, account.name, settlement.id, REFERRAL, amount, "")
    out.emit(
        TransferApplied, account=account.name, amount_quanta=amount, cash_quanta=account.cash.balance, kind=REFERRAL
    )
