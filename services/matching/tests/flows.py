"""Random command flows: orders, transfers, prices, funding, outside trades and liquidations in any order."""

from typing import Any, Final, NamedTuple

from cleartide.contracts import Message
from cleartide.fold import Reject
from cleartide.rules.margin import is_liquidatable
from hypothesis import strategies as st

from services.matching.domain.margin import standing
from services.matching.tests.support import HOUR, SECOND, START, Exchange

TRADERS: Final = ("ann", "bob", "cat", "dan")


class Step(NamedTuple):
    """One thing that somebody does; the numbers mean what `perform` makes of them."""

    action: str
    who: int
    side: str
    amount: int
    offset: int
    flags: int


def _steps(actions: list[str]) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        action=st.sampled_from(actions),
        who=st.integers(0, len(TRADERS) - 1),
        side=st.sampled_from(["buy", "sell"]),
        amount=st.integers(1, 600),
        offset=st.integers(-30, 30),
        flags=st.integers(0, 15),
    )


ORDERS: Final = ["order"] * 8 + ["cancel"]
EVERYTHING: Final = [
    *ORDERS * 4,
    *("price", "crash", "liquidate", "liquidate") * 3,
    *("settle", "report", "insure") * 2,
    *("deposit", "withdraw", "stale", "silence"),
]
flows: Final = st.lists(_steps(EVERYTHING), min_size=50, max_size=120)
order_flows: Final = st.lists(_steps(ORDERS), min_size=30, max_size=80)


def perform(ex: Exchange, number: int, step: Step) -> list[Message]:
    """Send one step's command; what becomes a dead letter causes no events."""
    ex.wait(1 + step.flags * 137_000)
    try:
        return _send(ex, number, step)
    except Reject:
        return []


def _send(ex: Exchange, number: int, step: Step) -> list[Message]:
    trader = TRADERS[step.who]
    price = f"{1000 + step.offset}.{step.flags % 10}"
    match step.action:
        case "order":
            return ex.place(trader, step.side, f"{step.amount / 1000:.3f}", **_order(number, step, price))
        case "cancel":
            live = list(ex.state.accounts[trader].orders) if trader in ex.state.accounts else []
            return ex.cancel(trader, live[step.amount % len(live)] if live else "none")
        case "price":
            return ex.price(price)
        case "crash":
            return ex.price(str(1000 + 8 * step.offset))
        case "stale":
            return ex.price(None)
        case "silence":
            ex.wait(61 * SECOND)
            return []
        case "settle":
            return ex.settle((step.amount - 300) * 50_000 + step.offset, (ex.effects.at - START) // HOUR + number)
        case "report":
            return ex.report(price, f"{step.amount / 1000:.3f}", trade_id=f"t{step.amount}", **_parties(step))
        case "liquidate":
            return ex.liquidate(_most_due(ex, trader))
        case "deposit":
            return ex.deposit(trader, f"{step.amount / 7:.6f}")
        case "withdraw":
            return ex.withdraw(trader, f"{step.amount / 9:.6f}")
    return ex.insure(f"{step.amount / 3:.6f}")


def _most_due(ex: Exchange, otherwise: str) -> str:
    for name, account in ex.state.accounts.items():
        now = standing(account)
        if name in TRADERS and is_liquidatable(now.equity_quanta, now.maintenance_margin_quanta):
            return name
    return otherwise


def _order(number: int, step: Step, price: str) -> dict[str, Any]:
    """Flags: 0 market, 1 and 2 immediate, 3 post-only, odd ones reduce-only."""
    body: dict[str, Any] = {"client_order_id": f"o{number}", "price": price if step.flags else None}
    body["time_in_force"] = "ioc" if step.flags in (1, 2) else "gtc"
    body["post_only"] = step.flags == 4
    body["reduce_only"] = step.flags in (1, 7, 9)
    return body


def _parties(step: Step) -> dict[str, str]:
    named = TRADERS[step.who], TRADERS[step.flags % len(TRADERS)]
    buyer, seller = named if step.side == "buy" else (named[1], named[0])
    return {
        key: name for key, name, keep in (("buyer", buyer, step.flags % 3), ("seller", seller, step.flags % 5)) if keep
    }
