"""Outside liquidators: anybody with an account may ask for somebody who is below maintenance to be liquidated."""

from cleartide.contracts import RequestLiquidation
from cleartide.rules.accounts import SYSTEM_ACCOUNTS

from services.matching.domain.liquidation import close_positions, reject
from services.matching.domain.output import Output
from services.matching.domain.state import MatchingState


def request(state: MatchingState, command: RequestLiquidation, out: Output) -> None:
    """Judge the account as risk's requests are judged; every refusal is answered by LiquidationRejected.

    Refused besides: a keeper without an account (`unknown_keeper`), and one of the account's own family
    (`own_account`), who would get back a part of his own fee.
    """
    keeper, account = state.accounts.get(command.keeper), state.accounts.get(command.account)
    if keeper is None or keeper.name in SYSTEM_ACCOUNTS:
        reason: str | None = "unknown_keeper"
    elif account is not None and account.root == keeper.root:
        reason = "own_account"
    else:
        reason = close_positions(state, command.account, out, keeper)
    if reason is not None:
        reject(state, out, command.account, command.market, reason)
