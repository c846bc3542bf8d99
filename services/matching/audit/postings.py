"""Which kinds of posting there are, and between which ledger accounts each may go."""

from collections.abc import Iterator
from typing import Final

from services.matching.audit.evidence import Finding, Posting

Pair = tuple[str, str]

OWN: Final = ("cash", "collateral")
"""Pots that are an account's own balances."""
TRADING: Final = frozenset({"trade", "bust", "correction", "fee", "funding", "realized_pnl", "settlement"})
"""Kinds that the history of transfers does not tell, because trades do."""
NEVER_BELOW_ZERO: Final = frozenset({"collateral", "farm", "insurance", "locked", "pool", "referral", "vault"})

_POOLED: Final = frozenset({("cash", "pool"), ("collateral", "pool"), ("pool", "cash"), ("pool", "collateral")})
_FUND_AND_CASH: Final = frozenset({("insurance", "cash")})
_INTO_VAULT: Final = frozenset({("cash", "vault")})
_OUT_OF_VAULT: Final = frozenset({("vault", "cash")})
_BETWEEN_POSITIONS: Final = frozenset({("position", "position")})
ROUTES: Final[dict[str, frozenset[Pair]]] = {
    "trade": _BETWEEN_POSITIONS,
    "bust": _BETWEEN_POSITIONS,
    "correction": _BETWEEN_POSITIONS,
    "realized_pnl": frozenset({("position", "cash")}),
    "funding": frozenset({("funding", "cash")}),
    "fee": frozenset({("cash", "fees"), ("cash", "insurance")}),
    "referral": frozenset({("fees", "referral"), ("referral", "cash")}),
    "settlement": frozenset({("settlement", "position")}),
    "insurance": _FUND_AND_CASH,
    "socialized_loss": _FUND_AND_CASH,
    "keeper_reward": _FUND_AND_CASH,
    "insurance_deposit": frozenset({("external", "insurance")}),
    "deposit": frozenset({("external", "cash"), ("external", "collateral"), ("external", "pool")}),
    "withdrawal": frozenset(
        {("cash", "external"), ("collateral", "external"), ("pool", "external"), ("locked", "external")}
    ),
    "transfer": frozenset({("cash", "cash"), ("collateral", "collateral")}),
    "locked": frozenset({("cash", "locked"), ("collateral", "locked")}),
    "unlocked": frozenset({("locked", "cash"), ("locked", "collateral")}),
    "bond_locked": frozenset({("cash", "locked")}),
    "bond_returned": frozenset({("locked", "cash")}),
    "bond_forfeited": frozenset({("locked", "insurance")}),
    "vault_deposit": _INTO_VAULT,
    "vault_recall": _INTO_VAULT,
    "vault_withdrawal": _OUT_OF_VAULT,
    "vault_allocation": _OUT_OF_VAULT,
    "vault_fee": _OUT_OF_VAULT,
    "farm_funding": frozenset({("cash", "farm")}),
    "farm_reward": frozenset({("farm", "cash")}),
    "farm_fee": frozenset({("farm", "pool")}),
    "pool": _POOLED,
    "swap": _POOLED,
    "repayment": _POOLED,
    "liquidation": _POOLED,
}
EITHER_WAY: Final = TRADING | {"insurance", "socialized_loss"}
"""Kinds whose amount may be below zero: the other side pays. A fee below zero is a rebate, insurance a result kept."""
_SAME_OWNER: Final = frozenset({"realized_pnl", "locked", "unlocked", "bond_locked", "bond_returned"})
_SAME_MARKET: Final = frozenset({*_BETWEEN_POSITIONS, ("settlement", "position")})


def market_of(account: str) -> str | None:
    """The market that a ledger account belongs to."""
    pot, _, rest = account.partition(":")
    return rest.partition(":")[0] if pot in ("position", "insurance", "funding", "settlement") else None


def owner_of(account: str) -> str:
    """The account that a ledger account belongs to, by the end of its name."""
    return account.rpartition(":")[2]


def check_transaction(legs: list[Posting]) -> Iterator[Finding]:
    """Pairs of legs in order, each of one asset, opposite, and between accounts that the kind may join."""
    number = legs[0].transaction_id
    if [posting.leg for posting in legs] != list(range(len(legs))) or len(legs) % 2:
        yield Finding("numbers", None, f"transaction {number} has {len(legs)} legs, not numbered from 0 in pairs")
        return
    for source, target in zip(legs[::2], legs[1::2], strict=True):
        fault = _fault(source, target)
        if fault is not None:
            where = market_of(source.account) or market_of(target.account)
            yield Finding(fault, where, f"transaction {number}: {_told(source)}, {_told(target)}")


def _fault(source: Posting, target: Posting) -> str | None:
    if source.amount + target.amount or (source.kind, source.asset) != (target.kind, target.asset):
        return "unbalanced"
    pair = (source.account.partition(":")[0], target.account.partition(":")[0])
    if pair not in ROUTES.get(source.kind, ()) or (source.amount > 0 and source.kind not in EITHER_WAY):
        return "misposted"
    if (source.kind in _SAME_OWNER or pair == ("referral", "cash")) and owner_of(source.account) != owner_of(
        target.account
    ):
        return "misposted"
    if pair in _SAME_MARKET and market_of(source.account) != market_of(target.account):
        return "misposted"
    return None


def _told(posting: Posting) -> str:
    return f"{posting.kind} {posting.amount} {posting.asset} on {posting.account}"
