"""Random flows of money: five assets, two families that trade by fee tiers and one of which has brought the other,
pools, swaps, orders in two markets, prices and liquidations."""

from collections.abc import Callable
from typing import Final, NamedTuple

from cleartide.contracts import ClaimReferralRewards, FeeTier, Message, SetFeeSchedule, SetLeverage, SetReferrer
from cleartide.fold import Reject
from cleartide.money import quanta_to_text
from cleartide.rules.margin import is_liquidatable
from hypothesis import strategies as st

from services.matching.domain.margin import standing, withdrawable
from services.matching.tests.bank import ASSETS, PERCENT, Bank
from services.matching.tests.support import HOUR, SECOND, START

TRADERS: Final = ("ann", "ann--grid", "bob", "bob--grid")
NAMES: Final = (*sorted(ASSETS), "USDC")
MARKETS: Final = ("BTC-PERP", "ETH-PERP")
TIERS: Final = (
    FeeTier(volume_quanta=0, taker_fee_ppb=450_000, maker_fee_ppb=150_000),
    FeeTier(volume_quanta=50_000_000, taker_fee_ppb=400_000, maker_fee_ppb=-200_000),
)


class Step(NamedTuple):
    """One thing that somebody does; the numbers mean what the action makes of them."""

    action: str
    who: int
    other: int
    asset: int
    amount: int
    offset: int


Action = Callable[[Bank, Step], list[Message]]


def bank() -> Bank:
    """Everybody has some cash and some collateral; the pool and the funds have little."""
    ex = Bank(taker_fee_ppb=450_000, maker_fee_ppb=150_000, mark_band_ppb=20 * PERCENT)
    for head in ("ann", "bob"):
        ex.deposit(head, "150")
        ex.open(head, "grid")
        ex.move(head, f"{head}--grid", "USDC", "50")
    for number, name in enumerate(TRADERS):
        ex.bring(name, sorted(ASSETS)[number], "1.5")
    ex.drain("swap", "USDC", "99900")
    ex.send(SetFeeSchedule, source="operator", tiers=TIERS)
    ex.send(SetReferrer, account="bob", referrer="ann")
    ex.insure("40")
    return ex


def perform(ex: Bank, step: Step) -> list[Message]:
    """Send one step's command; what becomes a dead letter causes no events."""
    ex.wait(step.amount * 1_000)
    try:
        return ACTIONS[step.action](ex, step)
    except Reject:
        return []


def _who(step: Step) -> str:
    return TRADERS[step.who % len(TRADERS)]


def _amount(step: Step) -> str:
    return f"{step.amount / 7:.2f}"


def _relative(step: Step) -> str:
    """The other account of the family; now and then a stranger's."""
    return TRADERS[step.who ^ 1 if step.other else 3 - step.who]


def _market(step: Step) -> str:
    return MARKETS[step.asset % len(MARKETS)]


def _order(ex: Bank, step: Step) -> list[Message]:
    side = "buy" if step.other % 2 else "sell"
    scale = 1000 if _market(step) == "BTC-PERP" else 100
    price = f"{scale + step.offset * scale / 1000:.1f}"
    size = f"{step.amount / 600 * (1000 / scale):.3f}"
    more = {"reduce_only": step.amount % 19 == 0, "time_in_force": "ioc" if step.amount % 7 == 0 else "gtc"}
    return ex.place(_who(step), side, size, price, market=_market(step), **more)


def _price(ex: Bank, step: Step) -> list[Message]:
    market = ("BTC-PERP", "ETH-PERP", "BTC-PERP", "ETH-PERP", "SOL-PERP")[step.asset % 5]
    base = {"BTC-PERP": 1000, "ETH-PERP": 100, "SOL-PERP": 10}[market]
    return ex.price(None if step.amount == 13 else f"{base * (1000 + 9 * step.offset) / 1000:.1f}", market)


def _liquidate(ex: Bank, step: Step) -> list[Message]:
    for name in TRADERS:
        now = standing(ex.state.accounts[name])
        if is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta):
            return ex.liquidate(name)
    return ex.liquidate(_who(step))


def _settle(ex: Bank, step: Step) -> list[Message]:
    hour = (ex.effects.at - START) // HOUR + step.amount
    return ex.settle(step.offset * 100_000, hour, _market(step))


def _change(ex: Bank, step: Step) -> list[Message]:
    weight = 50 * PERCENT + step.amount % 40 * PERCENT
    return ex.change(sorted(ASSETS)[step.asset % 5], initial_weight_ppb=weight, maintenance_weight_ppb=weight + PERCENT)


def _silence(ex: Bank, step: Step) -> list[Message]:
    ex.wait((50 + step.amount % 30) * SECOND)
    return []


def _day(ex: Bank, step: Step) -> list[Message]:
    """Another day: volume begins to count."""
    ex.wait(24 * HOUR)
    return _price(ex, step)


def _strip(ex: Bank, step: Step) -> list[Message]:
    """Take out all the cash that may go, as of the command's time."""
    ex.state.ledger.at = ex.effects.at
    return ex.withdraw(_who(step), quanta_to_text(withdrawable(ex.state.accounts[_who(step)])))


def _asset(step: Step) -> str:
    return NAMES[step.asset % len(NAMES)]


ACTIONS: Final[dict[str, Action]] = {
    "order": _order,
    "price": _price,
    "liquidate": _liquidate,
    "settle": _settle,
    "change": _change,
    "silence": _silence,
    "lever": lambda ex, step: ex.send(
        SetLeverage, account=_who(step), market=_market(step), leverage=step.amount % 11 or None
    ),
    "deposit": lambda ex, step: ex.deposit(_who(step), _amount(step)),
    "withdraw": lambda ex, step: ex.withdraw(_who(step), _amount(step)),
    "bring": lambda ex, step: ex.bring(_who(step), _asset(step), f"{step.amount / 99:.2f}"),
    "draw": lambda ex, step: ex.draw(_who(step), _asset(step), f"{step.amount / 299:.2f}"),
    "move": lambda ex, step: ex.move(_who(step), _relative(step), _asset(step), f"{step.amount / 199:.2f}"),
    "strip": _strip,
    "day": _day,
    "claim": lambda ex, step: ex.send(ClaimReferralRewards, account=_who(step)),
    "close": lambda ex, step: ex.place(
        _who(step), "buy" if step.other % 2 else "sell", "1", market=_market(step), reduce_only=True
    ),
    "swap": lambda ex, step: ex.swap(_who(step), _asset(step), f"{step.amount / 299:.2f}", NAMES[step.other % 6]),
    "give": lambda ex, step: ex.give(_who(step), "swap", _asset(step), f"{step.amount / 199:.2f}"),
    "fund": lambda ex, step: ex.fund("swap", _asset(step), _amount(step)),
    "pay": lambda ex, step: ex.pay("swap", _who(step), _asset(step), f"{step.amount / 99:.2f}"),
    "drain": lambda ex, step: ex.drain("swap", _asset(step), _amount(step)),
}
WEIGHTS: Final = {
    "order": 30,
    "price": 12,
    "liquidate": 5,
    "swap": 3,
    "move": 3,
    "draw": 3,
    "bring": 2,
    "strip": 3,
    "close": 5,
}

flows: Final = st.lists(
    st.builds(
        Step,
        action=st.sampled_from([name for name in ACTIONS for _ in range(WEIGHTS.get(name, 1))]),
        who=st.integers(0, 3),
        other=st.integers(0, 11),
        asset=st.integers(0, 11),
        amount=st.integers(1, 600),
        offset=st.integers(-30, 30),
    ),
    min_size=20,
    max_size=90,
)
