"""Examples of what is asked and said about accounts: bob opens an isolated account and lets dora trade for him."""

from typing import Any, Final

from cleartide.contracts.accounts import (
    AccountRequestRejected,
    DelegateChanged,
    GrantDelegate,
    LeverageSet,
    OpenSubaccount,
    RevokeDelegate,
    SetLeverage,
    SubaccountOpened,
)
from cleartide.contracts.base import Message
from cleartide.contracts.examples.assets import ASSET_EXAMPLES
from cleartide.contracts.examples.audit import AUDIT_EXAMPLES
from cleartide.contracts.examples.custody import CUSTODY_EXAMPLES
from cleartide.contracts.examples.farms import FARM_EXAMPLES
from cleartide.contracts.examples.fees import FEE_EXAMPLES
from cleartide.contracts.examples.own_vaults import OWN_VAULT_EXAMPLES
from cleartide.contracts.examples.story import MARKET, OPENED, said, sent
from cleartide.contracts.watching import AlertAnswered, AnswerAlert, RiskLimitsSet, SetRiskLimits


def _event(contract: type[Message], seq: int, cause: str, **body: Any) -> Message:
    return said(contract, "matching", "events", seq, OPENED, cause, **body)


ACCOUNT_EXAMPLES: Final[tuple[Message, ...]] = (
    sent(OpenSubaccount, "open-1", "gateway", account="bob", name="btc", margin_mode="isolated", market=MARKET),
    sent(GrantDelegate, "grant-1", "gateway", account="bob", delegate="dora"),
    sent(RevokeDelegate, "revoke-1", "gateway", account="bob", delegate="dora", actor="dora"),
    sent(SetLeverage, "leverage-1", "gateway", account="bob--btc", market=MARKET, leverage=5),
    _event(SubaccountOpened, 18, "open-1", account="bob--btc", parent="bob", margin_mode="isolated", market=MARKET),
    _event(DelegateChanged, 19, "grant-1", account="bob", delegate="dora", rights=("cancel", "deposit", "trade")),
    _event(LeverageSet, 20, "leverage-1", account="bob--btc", market=MARKET, leverage=5),
    _event(AccountRequestRejected, 21, "revoke-1", account="bob", request="RevokeDelegate", reason="not_permitted"),
    sent(SetRiskLimits, "limits-1", "gateway", account="bob", max_leverage=5, max_daily_loss="250"),
    sent(AnswerAlert, "answer-1", "gateway", account="bob", alert=1, answer="acknowledge", note="topping up"),
    _event(
        RiskLimitsSet,
        22,
        "limits-1",
        account="bob",
        max_position_quanta=None,
        max_leverage=5,
        max_daily_loss_quanta=250_000_000,
        max_drawdown_quanta=None,
        max_value_at_risk_quanta=None,
    ),
    _event(AlertAnswered, 23, "answer-1", account="bob", alert=1, answer="acknowledge", note="topping up", actor="bob"),
    *ASSET_EXAMPLES,
    *CUSTODY_EXAMPLES,
    *FEE_EXAMPLES,
    *AUDIT_EXAMPLES,
    *OWN_VAULT_EXAMPLES,
    *FARM_EXAMPLES,
)
