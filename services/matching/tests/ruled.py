"""Markets with rules of liquidation on the bench: no fees but the liquidation's, and no grace unless asked for."""

from typing import Any

from cleartide.contracts import LiquidationRules, Message, RequestLiquidation
from cleartide.rules.margin import AccountMargin

from services.matching.domain.margin import standing
from services.matching.domain.waterfall import fund
from services.matching.tests.support import MARKET, Exchange


def rules(**changes: Any) -> LiquidationRules:
    """Any position is small, nothing is too small to stay, a tenth is the stress, and nobody waits."""
    return LiquidationRules(**{"min_notional_quanta": 0, "grace_micros": 0, **changes})


def ruled(*, market_rules: dict[str, Any] | None = None, **changes: Any) -> Exchange:
    """BTC-PERP at 1,000 with these rules of liquidation; bob is rich."""
    ex = Exchange(taker_fee_ppb=0, maker_fee_ppb=0, liquidation=rules(**changes), **(market_rules or {}))
    ex.deposit("bob", "1000000")
    return ex


def holds(ex: Exchange, account: str, cash: str, side: str = "buy", size: str = "1", against: str = "bob") -> None:
    """The account pays in and has a position from 1,000 against another."""
    ex.deposit(account, cash)
    parties = {"buyer": account, "seller": against} if side == "buy" else {"buyer": against, "seller": account}
    ex.report("1000", size, **parties)


def keep(ex: Exchange, keeper: str, account: str) -> list[Message]:
    """A keeper asks for an account to be liquidated."""
    return ex.send(RequestLiquidation, keeper=keeper, account=account, market=MARKET)


def insurance(ex: Exchange) -> int:
    """What is in the fund, in quanta."""
    return ex.balance(f"insurance:{MARKET}")


def worth(ex: Exchange) -> int:
    """The fund with its position at the mark, in quanta."""
    return fund.equity(ex.state, ex.state.markets[MARKET])


def figures(ex: Exchange, account: str) -> AccountMargin:
    """Equity and requirements of an account."""
    return standing(ex.state.accounts[account])


def slow_seller(ex: Exchange, market: str = "SOL-PERP") -> None:
    """Another market, in which a step of quin's has just found no bid, with a fund, and rita and sam against him."""
    ex.list(market=market, liquidation=rules(large_notional_quanta=1, step_ppb=100_000_000))
    ex.price("1000", market)
    ex.insure("50", market)
    for account, cash in (("quin", "110"), ("rita", "500"), ("sam", "300")):
        ex.deposit(account, cash)
    for seller, size in (("rita", "0.7"), ("sam", "0.3")):
        ex.report("1000", size, buyer="quin", seller=seller, market=market)
    ex.price("930", market)
    ex.liquidate("quin", market)
