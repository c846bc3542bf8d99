"""The commands that steps become in a given world.

A step is a few small numbers, so that a sequence of steps shrinks well: what it means ("the third of my orders",
"as much as I can afford and one lot more") is worked out when its turn comes.
"""

from hashlib import sha256
from typing import Any, Final, NamedTuple

from cleartide.contracts import (
    AmendOrder,
    BustTrade,
    CancelAllOrders,
    CancelOrder,
    CommitOrder,
    CompleteWithdrawal,
    ConfirmDeposit,
    CorrectTrade,
    FailDeposit,
    FailWithdrawal,
    FundInsurance,
    LiquidateAccount,
    ListMarket,
    Message,
    OrderTerms,
    PlaceOrder,
    ReportDeposit,
    ReportTrade,
    RequestLiquidation,
    RevealOrder,
    SettleFunding,
    StartWithdrawal,
    UpdateIndexPrice,
)
from cleartide.contracts.venue import AdminCommand
from cleartide.rules.sealing import digest_of

from services.matching.tests.model import (
    asset_steps,
    auction_steps,
    batch_steps,
    custody_steps,
    family_steps,
    fee_steps,
    maker_steps,
    money_steps,
    outside_steps,
    ruling_steps,
    terms_steps,
    vault_steps,
    venue_steps,
)
from services.matching.tests.model.margin import standing
from services.matching.tests.model.moods import WAITS
from services.matching.tests.model.numbers import DAY, HOUR, MINUTE, SECOND
from services.matching.tests.model.order_steps import FIRST_PRICE, SOURCES, order_body
from services.matching.tests.model.scenes import TRADERS, text_of
from services.matching.tests.model.sizing import affordable_lots
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.world import OUTSIDE, RESERVED, Market, Order, World

QUICK: Final = 4
"""Of these at most makers wait, so that their quotes come while the auction runs."""
KINDS: Final = ("stop_market", "stop_limit", "take_profit_market", "take_profit_limit", "trailing_stop")


class Scripted(NamedTuple):
    """A step's command with its sequenced time; None: nothing is sent."""

    at: int
    command: Message | None


def command_of(world: World, number: int, step: Step, before: Message | None) -> Scripted:
    """The `number`-th step in this world; `before` is the command of the step before it."""
    at = world.at + WAITS[step.wait % QUICK if step.kind == "quote" else step.wait]
    if step.kind == "minute":
        at = (world.at // MINUTE + 1) * MINUTE
    if step.kind == "hour":
        at = max(at, custody_steps.next_hour(world) - step.flags % 2)
    if step.kind == "silence":
        return Scripted(at + 61 * SECOND, None)
    if step.kind == "night":
        return Scripted(at + DAY, None)
    if step.kind == "again":
        return Scripted(at, before)
    market = list(world.markets.values())[step.where % len(world.markets)]
    contract, body = _MAKERS[step.kind](world, number, step, market)
    body = family_steps.acting(world, step, contract, body)
    source = _source(contract)
    envelope: dict[str, Any] = {"id": f"{source}-{number}", "source": source, "occurred_at": at}
    if source in _NUMBERED:
        envelope["seq"] = world.numbers.get(source, 0) + (2 if step.flags == 63 and step.amount == 1 else 1)
    return Scripted(at, contract(**{**envelope, **body}))


_NUMBERED: Final = ("ingestor", "risk", "funding")
_SOURCES: Final[dict[type[Message], str]] = {
    UpdateIndexPrice: "ingestor",
    LiquidateAccount: "risk",
    SettleFunding: "funding",
    ListMarket: "operator",
    FundInsurance: "operator",
    **dict.fromkeys((ReportDeposit, ConfirmDeposit, FailDeposit), "custody"),
    **dict.fromkeys((StartWithdrawal, CompleteWithdrawal, FailWithdrawal), "custody"),
    ReportTrade: "engine",
    BustTrade: "engine",
    CorrectTrade: "engine",
}


def _source(contract: type[Message]) -> str:
    return _SOURCES.get(contract) or ("operator" if issubclass(contract, AdminCommand) else "gateway")


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
    if step.flags % 4 == 0:
        return UpdateIndexPrice, {**_index(market, 1_000), "market": "NONE-PERP"}
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


_MAKERS: Final = {
    "vault": vault_steps.vault,
    "join": vault_steps.join,
    "manage": vault_steps.manage,
    "strategy": vault_steps.strategy,
    "farm": vault_steps.farm,
    "asset": asset_steps.asset,
    "collateral": asset_steps.collateral,
    "swap": asset_steps.swap,
    "pool": asset_steps.pool,
    "claim": fee_steps.claim,
    "schedule": fee_steps.schedule,
    "shares": fee_steps.shares,
    "refer": fee_steps.refer,
    "change": ruling_steps.change,
    "funding": ruling_steps.funding,
    "alarm": ruling_steps.alarm,
    "watch": ruling_steps.watch,
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
    "report": outside_steps.report,
    "bust": outside_steps.bust,
    "correct": outside_steps.correct,
    "arrive": custody_steps.arrive,
    "follow": custody_steps.follow,
    "ask": custody_steps.ask,
    "send": custody_steps.send,
    "hour": custody_steps.follow,
    "leverage": terms_steps.leverage,
    "limits": terms_steps.limits,
    "tier": terms_steps.tier,
    "terms": terms_steps.account,
    "mode": terms_steps.mode,
    "subaccount": family_steps.open_subaccount,
    "grant": family_steps.grant,
    "shift": family_steps.shift,
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
