"""Steps of another engine: it reports trades, takes them back, and puts them right."""

from typing import Any, Final

from cleartide.contracts import BustTrade, CorrectTrade, ReportTrade

from services.matching.tests.model.order_steps import FIRST_PRICE
from services.matching.tests.model.scenes import TRADERS, text_of
from services.matching.tests.model.step import Body, Step
from services.matching.tests.model.world import OUTSIDE, Market, Reported, World

OTHER: Final = "venue-b"
"""A second source, which may use the first one's ids."""


def report(world: World, number: int, step: Step, market: Market) -> Body:
    """One- and two-sided, also by the same party, by nobody and by reserved names; now and then known already."""
    price = max(1, (market.mark or FIRST_PRICE) + 3 * step.offset)
    body = {
        "market": market.name,
        "trade_id": f"t{number - (number % 3 == 0)}",
        "price": text_of(price, market.spec.tick_size),
        "size": text_of(step.amount, market.spec.lot_size),
        **_parties(step),
        "executed_at": world.at,
    }
    return ReportTrade, body | ({"source": OTHER} if step.terms < 6 else {})


def _parties(step: Step) -> dict[str, Any]:
    parties = [TRADERS[step.who], TRADERS[step.amount % len(TRADERS)]]
    if step.flags < 20:
        parties[step.flags % 2] = ""
    if step.flags in (20, 21):
        parties = [parties[0], OUTSIDE] if step.flags == 20 else ["", ""]
    buyer, seller = parties if step.buys else reversed(parties)
    return {"buyer": buyer or None, "seller": seller or None}


def bust(world: World, number: int, step: Step, market: Market) -> Body:
    """One of the last; now and then one that is there no more, of another source or of another market."""
    told = _chosen(world, step)
    return BustTrade, _which(step, market, told) | ({"reason": "double"} if step.links % 2 else {})


def correct(world: World, number: int, step: Step, market: Market) -> Body:
    """Another price, size or party, all of them, or what holds already."""
    told = _chosen(world, step)
    market = world.markets[told.market] if told is not None and step.flags > 1 else market
    price, lots = (told.price, told.lots) if told is not None else (market.mark or FIRST_PRICE, step.amount)
    if step.terms % 4:
        price = max(1, price + step.offset)
    if step.terms % 3:
        lots = max(1, lots + step.amount // 6 - 50)
    parties = _parties(step)
    if told is not None and step.terms % 5:
        named = {"buyer": told.buyer, "seller": told.seller}
        parties = {side: name if name != OUTSIDE else None for side, name in named.items()}
    terms = {"price": text_of(price, market.spec.tick_size), "size": text_of(lots, market.spec.lot_size)}
    return CorrectTrade, {**_which(step, market, told), **terms, **parties}


def _chosen(world: World, step: Step) -> Reported | None:
    """Mostly one of the newest four."""
    told = world.reported if step.links % 8 == 0 else world.reported[-4:]
    return told[step.amount % len(told)] if told else None


def _which(step: Step, market: Market, told: Reported | None) -> dict[str, Any]:
    if told is None or step.flags == 2:
        return {"market": market.name, "trade_id": "t0"}
    source = {"engine": OTHER, OTHER: "engine"}[told.source] if step.flags in (3, 4) else told.source
    where = market.name if step.flags < 2 else told.market
    return {"market": where, "trade_id": told.name, "source": source}
