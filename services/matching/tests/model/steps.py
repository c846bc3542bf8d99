"""Random steps, and the commands that they become in a given world.

A step is a few small numbers, so that a sequence of steps shrinks well: what it means ("the third of my orders",
"as much as I can afford and one lot more") is worked out when its turn comes.
"""

from hashlib import sha256
from random import Random
from typing import Any, Final, NamedTuple

from cleartide.contracts import (
    AmendOrder,
    CancelAllOrders,
    CancelOrder,
    CommitOrder,
    DelistMarket,
    FundInsurance,
    HaltMarket,
    LiquidateAccount,
    ListMarket,
    Message,
    OrderTerms,
    PlaceOrder,
    ReportTrade,
    RequestLiquidation,
    ResumeMarket,
    RevealOrder,
    SettleFunding,
    SetVenueSwitch,
    UpdateIndexPrice,
)
from cleartide.rules.sealing import digest_of
from hypothesis import strategies as st

from services.matching.tests.model import auction_steps, batch_steps, maker_steps, money_steps, venue_steps
from services.matching.tests.model.margin import standing
from services.matching.tests.model.numbers import DAY, HOUR, MINUTE, SECOND
from services.matching.tests.model.order_steps import FIRST_PRICE, SOURCES, order_body
from services.matching.tests.model.scenes import TRADERS, text_of
from services.matching.tests.model.sizing import affordable_lots
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.world import OUTSIDE, RESERVED, Market, Order, World

WAITS: Final = (0, 0, 0, 1, 137_000, 400_000, 500_000, 999_999, SECOND, 3_500_000, 5 * SECOND)
QUICK: Final = 4
"""Of these at most makers wait, so that their quotes come while the auction runs."""
TERMS: Final = 64
"""Of a step: a quarter of the orders have an end, a quarter are icebergs, a self-trade mode each."""
LINKS: Final = 32
"""Of a step: a sixth of the orders are of a group, a fifth have a bracket."""
KINDS: Final = ("stop_market", "stop_limit", "take_profit_market", "take_profit_limit", "trailing_stop")

WEIGHTS: Final = {
    "order": 60,
    "quiet": 4,
    "plain": 0,
    "group": 4,
    "entry": 4,
    "sweep": 6,
    "exact order": 4,
    "odd order": 8,
    "cancel": 7,
    "cancel all": 3,
    "amend": 6,
    "rearm": 3,
    "reterm": 0,
    "batch": 5,
    "commit": 6,
    "open": 8,
    "auction": 5,
    "quote": 16,
    "wait": 9,
    "price": 20,
    "jump": 3,
    "minute": 2,
    "no price": 1,
    "silence": 1,
    "night": 1,
    "claim": 1,
    "liquidate": 8,
    "keeper": 12,
    "settle": 8,
    "report": 3,
    "deposit": 4,
    "exact deposit": 3,
    "withdraw": 2,
    "exact withdraw": 3,
    "insure": 2,
    "list": 1,
    "again": 1,
    "restart": 1,
    "switch": 0,
    "halt": 0,
    "collect": 0,
    "delist": 0,
    "waiting": 0,
    "edge": 0,
    "part with": 0,
    "brim": 0,
}


SEALED: Final = ("commit", "commit", "open", "open", "quiet", "amend", "amend")
AUCTIONED: Final = ("auction", "quote", "quote")
GROUPED: Final = ("group", "sweep")
BATCHED: Final = ("batch", "wait", "quiet")
ENTERED: Final = ("entry", "sweep", "price")
STOPPED: Final = ("switch", "halt", "halt", "order", "wait", "wait", "auction", "price", "jump", "liquidate", "open")
RETERMED: Final = ("reterm", "reterm", "quiet", "sweep")
GUARDED: Final = ("jump", "collect", "waiting", "waiting", "edge", "sweep", "plain", "part with", "brim", "price")
DELISTED: Final = ("delist", "collect", "waiting", "plain", "exact order", "wait", "auction", "jump", "sweep", "insure")
DISTRESSED: Final = ("order", "jump", "liquidate", "keeper", "price", "minute")
MOODS: Final[tuple[tuple[str, ...], ...]] = (
    (),
    RETERMED,
    AUCTIONED,
    GROUPED,
    ENTERED,
    SEALED,
    DISTRESSED,
    BATCHED,
    STOPPED,
    GUARDED,
    DELISTED,
)
"""What two in five steps of a life are; of others nothing in particular."""


def random_step(chance: Random, mood: tuple[str, ...]) -> Step:
    """Any step, by the weights and by the mood."""
    kind = chance.choices(_KINDS, cum_weights=_CUMULATED)[0]
    if mood and chance.random() < 0.4:
        kind = chance.choice(mood)
    where = min(chance.randrange(4), 2)
    numbers = (chance.randrange(1, 601), chance.randrange(-30, 31), chance.randrange(64), chance.randrange(len(WAITS)))
    terms, links = chance.randrange(TERMS), chance.randrange(LINKS)
    return Step(kind, chance.randrange(len(TRADERS)), where, chance.random() < 0.5, *numbers, terms, links)


_KINDS: Final = list(WEIGHTS)
_CUMULATED: Final = [sum(list(WEIGHTS.values())[: place + 1]) for place in range(len(WEIGHTS))]

any_step: Final = st.builds(
    Step,
    kind=st.sampled_from([kind for kind, weight in WEIGHTS.items() for _ in range(weight)]),
    who=st.integers(0, len(TRADERS) - 1),
    where=st.integers(0, 2),
    buys=st.booleans(),
    amount=st.integers(1, 600),
    offset=st.integers(-30, 30),
    flags=st.integers(0, 63),
    wait=st.integers(0, len(WAITS) - 1),
    terms=st.integers(0, TERMS - 1),
    links=st.integers(0, LINKS - 1),
)


class Scripted(NamedTuple):
    """A step's command with its sequenced time; None: nothing is sent."""

    at: int
    command: Message | None


def command_of(world: World, number: int, step: Step, before: Message | None) -> Scripted:
    """The `number`-th step in this world; `before` is the command of the step before it."""
    at = world.at + WAITS[step.wait % QUICK if step.kind == "quote" else step.wait]
    if step.kind == "minute":
        at = (world.at // MINUTE + 1) * MINUTE
    if step.kind == "silence":
        return Scripted(at + 61 * SECOND, None)
    if step.kind == "night":
        return Scripted(at + DAY, None)
    if step.kind == "again":
        return Scripted(at, before)
    market = list(world.markets.values())[step.where % len(world.markets)]
    contract, body = _MAKERS[step.kind](world, number, step, market)
    source = _SOURCES.get(contract, "gateway")
    envelope: dict[str, Any] = {"id": f"{source}-{number}", "source": source, "occurred_at": at}
    if source in _NUMBERED:
        envelope["seq"] = world.numbers.get(source, 0) + (2 if step.flags == 63 and step.amount == 1 else 1)
    return Scripted(at, contract(**envelope, **body))


_NUMBERED: Final = ("ingestor", "risk", "funding")
_SOURCES: Final[dict[type[Message], str]] = {
    UpdateIndexPrice: "ingestor",
    LiquidateAccount: "risk",
    SettleFunding: "funding",
    ListMarket: "operator",
    FundInsurance: "operator",
    HaltMarket: "operator",
    ResumeMarket: "operator",
    DelistMarket: "operator",
    SetVenueSwitch: "operator",
    ReportTrade: "engine",
}


def _order(world: World, number: int, step: Step, market: Market) -> Body:
    """Flags: one in eight a market order, some immediate, some post-only, every fourth reduce-only."""
    body = order_body(world, number, step, market)
    return PlaceOrder, body


def _exact_order(world: World, number: int, step: Step, market: Market) -> Body:
    """As much as the account can fund to the lot, or one lot more."""
    body = order_body(world, number, step, market) | {"reduce_only": False}
    if body["account"] in world.accounts and market.mark:
        lots = affordable_lots(world, PlaceOrder(**_envelope(number), **body)) + step.flags // 16 % 2
        body["size"] = text_of(max(1, lots), market.spec.lot_size)
    return PlaceOrder, body


def _envelope(number: int) -> dict[str, Any]:
    return {"id": f"try-{number}", "source": "gateway", "occurred_at": 0}


def _odd_order(world: World, number: int, step: Step, market: Market) -> Body:
    """An order with something wrong, or at a bound."""
    wrong: tuple[dict[str, Any], ...] = (
        {"account": RESERVED[step.amount % 2]},
        {"account": "nobody"},
        {"market": "NONE-PERP"},
        {"size": "0"},
        {"size": "0.0000001"},
        {"size": "999999999999999"},
        {"size": text_of(2**40 - 1, market.spec.lot_size)},
        {"size": text_of(2**40, market.spec.lot_size)},
        {"price": "0", "order_type": "limit"},
        {"price": "1.00001", "order_type": "limit"},
        {"price": "999999999999999", "order_type": "limit"},
        {"price": None, "order_type": "limit"},
        {"price": "1000", "order_type": "market"},
        {"post_only": True, "time_in_force": "ioc"},
        {"time_in_force": "gtt", "expires_at": None},
        {"time_in_force": "gtc", "expires_at": world.at},
        {"time_in_force": "gtt", "order_type": "market", "price": None},
        {"time_in_force": "fok", "display_size": "1"},
        {"time_in_force": "gtc", "display_size": "999999999"},
        {"size": text_of(2**50 // (market.unit * (market.mark or 1)) + step.amount % 2, market.spec.lot_size)},
    )
    return PlaceOrder, order_body(world, number, step, market) | wrong[step.flags % len(wrong)]


def _cancel(world: World, number: int, step: Step, market: Market) -> Body:
    """One of somebody's open orders; sometimes of another market, or none at all."""
    return CancelOrder, _chosen(step, market, world.open_orders())


def _chosen(step: Step, market: Market, orders: list[Order]) -> dict[str, Any]:
    orders = [order for order in orders if order.account not in RESERVED]
    resting = [order for order in orders if order.account == TRADERS[step.who]] or orders
    body = {"account": TRADERS[step.who], "market": market.name, "client_order_id": "none"}
    if resting and step.flags:
        order = resting[step.amount % len(resting)]
        body = {"account": order.account, "market": order.market, "client_order_id": order.name}
        if step.flags == 1:
            body["market"] = market.name
    return body


def _cancel_all(world: World, number: int, step: Step, market: Market) -> Body:
    """Somebody's, in one market or in all; now and then of nobody, or in no market."""
    name = "nobody" if step.flags % 16 == 1 else TRADERS[step.who]
    where = "NONE-PERP" if step.flags == 2 else market.name if step.flags % 4 else None
    return CancelAllOrders, {"account": name, "market": where}


def _commit(world: World, number: int, step: Step, market: Market) -> Body:
    """To an order of any kind, where orders are batched; now and then elsewhere, or to the last one again."""
    batching = [one for one in world.markets.values() if one.spec.batching is not None]
    if not batching and step.flags > 3:
        return _order(world, number, step, market)
    market = batching[0] if batching and step.flags % 8 else market
    make = (_order, maker_steps.plain, _order, maker_steps.plain, _wait)[step.flags % 5]
    body = make(world, number, step, market)[1]
    who = {"account": body.pop("account"), "market": body.pop("market")}
    if step.flags == 9 and world.commitments:
        held = world.commitments[max(world.commitments)]
        return CommitOrder, {**who, "account": held.account, "digest": held.digest}
    terms, salt = OrderTerms(**body), sha256(f"salt {number}".encode()).hexdigest()
    digest = digest_of(who["account"], who["market"], salt, terms)
    world.secrets[digest] = salt, terms
    return CommitOrder, {**who, "digest": digest}


def _open(world: World, number: int, step: Step, market: Market) -> Body:
    """One of those that are sealed; now and then with another salt, by another account, or one that is not there."""
    odd = step.flags % 16
    sealed = [one for one in world.commitments.values() if one.order is None or odd == 7]
    if not sealed and step.flags > 3:
        return _order(world, number, step, market)
    if not sealed:
        order = OrderTerms(client_order_id="none", side="buy", order_type="limit", size="1", price="1")
        return RevealOrder, {
            "account": TRADERS[step.who], "market": market.name, "commitment_id": 1, "salt": "0" * 64, "order": order,
        }  # fmt: skip
    held = sealed[step.amount % len(sealed)]
    salt, order = world.secrets[held.digest]
    return RevealOrder, {
        "account": TRADERS[step.who] if odd == 3 else held.account,
        "market": market.name if odd == 4 else world.rounds[held.round].market,
        "commitment_id": held.number + (odd == 5),
        "salt": "0" * 64 if odd == 6 else salt,
        "order": order,
    }


def _amend(world: World, number: int, step: Step, market: Market) -> Body:
    """Another price, more or less size, both, or what it is already; of anybody's order, or of none."""
    open_orders = [*world.orders.values(), *(auction.order for auction in world.auctions.values())]
    chosen = _chosen(step, market, open_orders)
    resting = [order for order in open_orders if order.name == chosen["client_order_id"]]
    price, lots = market.mark or FIRST_PRICE, 1 + step.amount // 6
    if resting:
        market, price, lots = world.markets[resting[0].market], resting[0].price, resting[0].size
    if step.terms % 4:
        price = max(1, price + step.offset // 4)
    if step.terms % 3:
        lots = max(1, lots + (step.amount // 12 if step.terms % 2 else -step.amount // 12))
    body = {"price": text_of(price, market.spec.tick_size), "size": text_of(lots, market.spec.lot_size)}
    kept = {name: text for name, text in body.items() if step.terms > 40 or (name == "price") == bool(step.terms % 4)}
    return AmendOrder, {**chosen, **kept}


def _reterm(world: World, number: int, step: Step, market: Market) -> Body:
    """Another end or another part that is shown, beside other terms or alone, of an order that rests or waits."""
    body = (batch_steps.rearm if step.flags % 4 == 0 else _amend)(world, number, step, market)[1]
    return AmendOrder, batch_steps.reterm(world, world.markets.get(body["market"], market), step, body)


def _batch(world: World, number: int, step: Step, market: Market) -> Body:
    """Orders of every kind, changes and cancels, of one account."""
    return batch_steps.batch(world, number, step, market, (_order, _wait, _amend, _cancel, *batch_steps.MAKERS))


def _wait(world: World, number: int, step: Step, market: Market) -> Body:
    """A stop, a take-profit or a trailing stop, near enough to fire; now and then with something wrong."""
    kind, source = KINDS[step.terms % 5], SOURCES[step.terms // 5 % 3]
    base = (market.last if source == "last" else market.mark) or FIRST_PRICE
    level, tick = max(1, base + step.offset), market.spec.tick_size
    terms: dict[str, Any] = {"order_type": kind, "trigger_source": source, "post_only": False, "price": None}
    if kind == "trailing_stop":
        trails = {"trail_amount": text_of(1 + abs(step.offset), tick)}
        terms |= trails if step.terms % 2 else {"trail_rate_ppb": step.amount * 5_000}
    else:
        terms["trigger_price"] = text_of(level, tick)
    if kind.endswith("_limit"):
        terms |= {"price": text_of(max(1, level + step.offset // 4), tick), "post_only": step.flags % 8 == 5}
    terms["time_in_force"] = "fok" if step.flags % 8 == 1 else "gtc"
    terms["expires_at"] = terms["display_size"] = None
    if step.flags % 8 == 2:
        terms |= {"time_in_force": "gtt", "expires_at": world.at + step.amount // 30 * 500_000}
    if step.flags == 63:
        wrong: tuple[dict[str, Any], ...] = (
            {"trigger_price": None, "trail_amount": None, "trail_rate_ppb": None},
            {"trigger_price": "1", "trail_amount": "1"},
            {"trail_amount": "1", "trail_rate_ppb": 1},
            {"trail_rate_ppb": 10**9},
            {"post_only": True, "time_in_force": "fok"},
        )
        terms |= wrong[step.amount % len(wrong)]
    body = order_body(world, number, step, market) | terms
    return PlaceOrder, body | {"reduce_only": step.flags // 8 % 3 == 0}


def _price(world: World, number: int, step: Step, market: Market) -> Body:
    """Around the last index, on whole, half and thousandth ticks."""
    middle = (market.index or FIRST_PRICE) * 1_000 + step.offset * (500, 500, 333, 1_000)[step.flags % 4]
    return UpdateIndexPrice, _index(market, middle)


def _jump(world: World, number: int, step: Step, market: Market) -> Body:
    """Up to 12 % away."""
    middle = (market.index or FIRST_PRICE) * (1_000 + 4 * step.offset)
    return UpdateIndexPrice, _index(market, middle)


def _no_price(world: World, number: int, step: Step, market: Market) -> Body:
    return UpdateIndexPrice, {**_index(market, 1_000), "price": None}


def _index(market: Market, thousandths: int) -> dict[str, Any]:
    return {"market": market.name, "price": text_of(max(0, thousandths), market.spec.tick_size, 3), "sources": ()}


def _liquidate(world: World, number: int, step: Step, market: Market) -> Body:
    """Somebody who is due, if anybody is."""
    due = [name for name, account in world.accounts.items() if name not in RESERVED and standing(world, account).is_due]
    name = due[step.who % len(due)] if due else ("nobody", OUTSIDE, *TRADERS)[step.flags % 7]
    figures = {"equity": "0", "maintenance_margin": "0", "mark_price_ticks": 1, "observed_seq": 0}
    return LiquidateAccount, {"account": name, "market": market.name, **figures}


def _keeper(world: World, number: int, step: Step, market: Market) -> Body:
    """The same by a trader; sometimes by nobody, or by the account itself."""
    _, body = _liquidate(world, number, step, market)
    names = {"account": body["account"], "market": body["market"]}
    keeper = ("nobody", OUTSIDE, body["account"])[step.amount % 3] if step.flags < 6 else TRADERS[step.who]
    return RequestLiquidation, {**names, "keeper": keeper}


def _settle(world: World, number: int, step: Step, market: Market) -> Body:
    """The next interval, or the one that is settled already; now and then beyond the cap."""
    micros = HOUR if step.flags % 4 else HOUR // 60
    start = 0 if market.interval_start < 0 else market.interval_start + (micros if step.flags % 8 else 0)
    rate = (step.amount - 300) * (50_000 if step.flags % 4 else 2_500) + step.offset
    body = {"interval_start": start, "interval_micros": micros, "rate_ppb": rate, "samples": 60}
    return SettleFunding, {"market": market.name, **body}


def _report(world: World, number: int, step: Step, market: Market) -> Body:
    """One- and two-sided, also by the same party, by nobody and by reserved names."""
    price = max(1, (market.mark or FIRST_PRICE) + 3 * step.offset)
    parties = [TRADERS[step.who], TRADERS[step.amount % len(TRADERS)]]
    if step.flags < 20:
        parties[step.flags % 2] = ""
    if step.flags in (20, 21):
        parties = [parties[0], OUTSIDE] if step.flags == 20 else ["", ""]
    buyer, seller = parties if step.buys else reversed(parties)
    return ReportTrade, {
        "market": market.name,
        "trade_id": f"t{number - (number % 3 == 0)}",
        "price": text_of(price, market.spec.tick_size),
        "size": text_of(step.amount, market.spec.lot_size),
        "buyer": buyer or None,
        "seller": seller or None,
        "executed_at": world.at,
    }


_MAKERS: Final = {
    "claim": money_steps.claim,
    "order": _order,
    "quiet": maker_steps.quiet,
    "plain": maker_steps.plain,
    "group": maker_steps.group,
    "entry": maker_steps.entry,
    "sweep": maker_steps.sweep,
    "exact order": _exact_order,
    "odd order": _odd_order,
    "cancel": _cancel,
    "cancel all": _cancel_all,
    "wait": _wait,
    "amend": _amend,
    "rearm": batch_steps.rearm,
    "reterm": _reterm,
    "batch": _batch,
    "commit": _commit,
    "open": _open,
    "auction": auction_steps.auction,
    "quote": auction_steps.quote,
    "price": _price,
    "jump": _jump,
    "minute": _price,
    "no price": _no_price,
    "liquidate": _liquidate,
    "keeper": _keeper,
    "settle": _settle,
    "report": _report,
    "deposit": money_steps.deposit,
    "exact deposit": money_steps.exact_deposit,
    "withdraw": money_steps.withdraw,
    "exact withdraw": money_steps.exact_withdraw,
    "insure": money_steps.insure,
    "list": money_steps.list_market,
    "restart": _cancel,
    "switch": venue_steps.switch,
    "halt": venue_steps.halt,
    "collect": venue_steps.collect,
    "delist": venue_steps.delist,
    "waiting": venue_steps.waiting,
    "edge": venue_steps.edge,
    "part with": venue_steps.part_with,
    "brim": venue_steps.brim,
}
