"""Random command flows: orders, transfers, prices, funding, outside trades and liquidations in any order."""

from typing import Any, Final, NamedTuple

from cleartide.contracts import BustTrade, CorrectTrade, Message, TradingEvent
from cleartide.fold import Reject
from cleartide.rules.margin import is_liquidatable
from hypothesis import strategies as st

from services.matching.domain.margin import standing
from services.matching.tests.support import HOUR, MARKET, SECOND, START, Exchange

TRADERS: Final = ("ann", "bob", "cat", "dan")


class Step(NamedTuple):
    """One thing that somebody does; the numbers mean what `perform` makes of them."""

    action: str
    who: int
    side: str
    amount: int
    offset: int
    flags: int
    terms: int = 0


def _steps(actions: list[str], terms: int = 0) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        action=st.sampled_from(actions),
        who=st.integers(0, len(TRADERS) - 1),
        side=st.sampled_from(["buy", "sell"]),
        amount=st.integers(1, 600),
        offset=st.integers(-30, 30),
        flags=st.integers(0, 15),
        terms=st.integers(0, terms),
    )


ORDERS: Final = ["order"] * 8 + ["cancel"]
EVERYTHING: Final = [
    *ORDERS * 4,
    *("price", "crash", "liquidate", "liquidate") * 3,
    *("settle", "report", "insure") * 2,
    *("deposit", "withdraw", "stale", "silence"),
    *("amend", "amend", "cancel_all"),
    *("bust", "correct"),
    *("auction", "offer", "offer"),
]
flows: Final = st.lists(_steps(EVERYTHING, terms=47), min_size=50, max_size=120)
order_flows: Final = st.lists(_steps(ORDERS), min_size=30, max_size=80)


def perform(ex: Exchange, number: int, step: Step) -> list[Message]:
    """Let a step's time pass, then send its command."""
    pause(ex, step)
    return act(ex, number, step)


def pause(ex: Exchange, step: Step) -> None:
    """The time before a step."""
    ex.wait(1 + step.flags * 137_000)


def act(ex: Exchange, number: int, step: Step) -> list[Message]:
    """Send one step's command; of what becomes a dead letter there are only the events that its time has brought."""
    said = len(ex.effects.emitted)
    try:
        return _send(ex, number, step)
    except Reject:
        return [event for event in ex.effects.emitted[said:] if isinstance(event, TradingEvent)]


def _send(ex: Exchange, number: int, step: Step) -> list[Message]:
    trader = TRADERS[step.who]
    price = f"{1000 + step.offset}.{step.flags % 10}"
    match step.action:
        case "order":
            terms = _order(number, step, price) | _terms(ex, step)
            return ex.place(trader, step.side, f"{step.amount / 1000:.3f}", **terms)
        case "cancel":
            return ex.cancel(trader, _own(ex, step))
        case "cancel_all":
            return ex.cancel_all(trader)
        case "amend":
            size = f"{step.amount / 1000:.3f}" if step.terms % 3 else None
            other: dict[str, Any] = {}
            if step.flags % 4 == 1:
                other = {"display_size": f"{(1 + step.amount // 8) / 1000:.3f}"}
            elif step.flags % 4 == 2:
                other = {"expires_at": ex.effects.at + step.amount * 10_000}
            return ex.amend(trader, _own(ex, step), price=price if step.terms % 2 else None, size=size, **other)
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
        case "bust" | "correct":
            return _restate(ex, step, price)
        case "auction":
            return _auction(ex, number, step)
        case "offer":
            running = list(ex.state.auctions.running) or [0]
            return ex.offer(trader, running[step.amount % len(running)], price, f"{step.amount / 1000:.3f}")
        case "liquidate":
            return ex.liquidate(_most_due(ex, trader))
        case "deposit":
            return ex.deposit(trader, f"{step.amount / 7:.6f}")
        case "withdraw":
            return ex.withdraw(trader, f"{step.amount / 9:.6f}")
    return ex.insure(f"{step.amount / 3:.6f}")


def _own(ex: Exchange, step: Step) -> str:
    """One of the trader's open orders."""
    account = ex.state.accounts.get(TRADERS[step.who])
    live = list(account.orders) if account is not None else []
    return live[step.amount % len(live)] if live else "none"


def _restate(ex: Exchange, step: Step, price: str) -> list[Message]:
    """Bust or correct one of the reported trades; some are busted already."""
    known = list(ex.state.reported.by_source.get("engine", ())) or ["none"]
    trade: dict[str, Any] = {"source": "engine", "market": MARKET, "trade_id": known[step.amount % len(known)]}
    if step.action == "bust":
        return ex.send(BustTrade, **trade)
    return ex.send(CorrectTrade, **trade, price=price, size=f"{step.amount / 1000:.3f}", **_parties(step))


def _auction(ex: Exchange, number: int, step: Step) -> list[Message]:
    """An order that is auctioned: by default prices, or over a few ticks around the index."""
    start = step.offset
    end = start + (2 * step.flags if step.side == "buy" else -2 * step.flags)
    ends: dict[str, Any] = {"start": f"{start / 10:.1f}", "end": f"{end / 10:.1f}", "offsets": True}
    terms: dict[str, Any] = {"client_order_id": f"j{number}", "slots": 1 + step.terms, "reduce_only": step.flags == 9}
    size = f"{step.amount / 1000:.3f}"
    return ex.auction(TRADERS[step.who], step.side, size, **terms, **(ends if step.flags % 3 else {}))


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


MODES: Final = ("expire_maker", "expire_taker", "expire_both", "decrement")


def _terms(ex: Exchange, step: Step) -> dict[str, Any]:
    """Terms 0 asks for nothing more; the others mix self-trade modes, FOK, ends and icebergs."""
    terms: dict[str, Any] = {"self_trade_prevention": MODES[step.terms % 4]} if step.terms else {}
    if step.terms % 5 == 1 and step.flags != 4:
        terms["time_in_force"] = "fok"
    elif step.terms % 5 in (2, 3) and step.flags > 2:
        terms |= {"time_in_force": "gtt", "expires_at": ex.effects.at + 1 + step.amount * 50_000}
    if step.terms % 7 in (4, 5) and step.flags > 2 and terms.get("time_in_force") != "fok":
        terms["display_size"] = f"{(step.amount + 6) // 7 / 1000:.3f}"
    return terms


def _parties(step: Step) -> dict[str, str]:
    named = TRADERS[step.who], TRADERS[step.flags % len(TRADERS)]
    buyer, seller = named if step.side == "buy" else (named[1], named[0])
    return {
        key: name for key, name, keep in (("buyer", buyer, step.flags % 3), ("seller", seller, step.flags % 5)) if keep
    }
