"""The two sides of a match with what each pays, and what the venue keeps of it (domain rule R6)."""

from services.matching.domain.accounts import Account
from services.matching.domain.ledger import LedgerAccount
from services.matching.domain.market import Market
from services.matching.domain.settlement import Party
from services.matching.domain.state import MatchingState


def taking_party(state: MatchingState, account: Account, order_id: int | None, market: Market, quote: int) -> Party:
    """The side that takes: its fee goes to the venue."""
    return Party(account, order_id, account.standing.taker_fee(market, quote), state.fees)


def making_party(
    state: MatchingState, account: Account, order_id: int, market: Market, quote: int, taking: Party
) -> Party:
    """The side that makes: a fee goes to the venue, a rebate comes out of what the taker pays."""
    fee = account.standing.maker_fee(market, quote, taking.fee)
    paid_to: LedgerAccount = state.fees if fee >= 0 else taking.fee_to
    return Party(account, order_id, fee, paid_to)


def shared(taking: Party, making: Party) -> Party:
    """The taking side with its referrer's share of the fee, once the rebate is known; a liquidation has none."""
    standing = taking.account.standing
    if standing.reward is None or taking.order_id is None:
        return taking
    return taking._replace(share=standing.share_of(taking.fee, max(0, -making.fee)), share_to=standing.reward)
