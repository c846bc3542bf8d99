"""A venue on the bench: the operator's commands in short, and a market with every limit set."""

from typing import Any, Final

from cleartide.contracts import (
    AlertRule,
    ChangeMarket,
    DelistMarket,
    HaltMarket,
    MarketLimits,
    MarketStateChanged,
    Message,
    ResumeMarket,
    SetAccountTerms,
    SetAlertRule,
    SetOrderTier,
    SetVenueLimits,
    SetVenueMode,
    SetVenueSwitch,
)

from services.matching.tests.support import MARKET, SECOND, Events, Exchange, of, spec

LIMITS: Final = MarketLimits(
    min_order_size="0.005",
    max_order_size="5",
    max_leverage=5,
    open_interest_cap="20",
    position_cap="10",
)
"""Bands of 10 % (the margin of the first bracket), a breaker at 10 % that pauses for 60 s."""


def operate(ex: Exchange, contract: type[Message], **body: Any) -> Events:
    """A command of the operator."""
    return ex.send(contract, source="operator", **body)


def guarded(**limits: Any) -> Exchange:
    """An exchange whose market has limits; without arguments the breaker and the bands alone."""
    return Exchange(limits=MarketLimits(**limits))


def change(ex: Exchange, version: int = 1, **rules: Any) -> Events:
    """Give the market the bench's rules with these changes."""
    return operate(ex, ChangeMarket, spec=spec(**rules), expected_version=version)


def halt(ex: Exchange, state: str = "halted", market: str = MARKET) -> Events:
    return operate(ex, HaltMarket, market=market, state=state)


def resume(ex: Exchange, auction_seconds: int = 0) -> Events:
    return operate(ex, ResumeMarket, market=MARKET, auction_micros=auction_seconds * SECOND)


def delist(ex: Exchange, notice_seconds: int = 60) -> Events:
    return operate(ex, DelistMarket, market=MARKET, notice_micros=notice_seconds * SECOND)


def switch(ex: Exchange, name: str, on: bool = True) -> Events:
    return operate(ex, SetVenueSwitch, switch=name, on=on)


def mode(ex: Exchange, name: str) -> Events:
    return operate(ex, SetVenueMode, mode=name)


def limits(ex: Exchange, name: str = "demo", **amounts: Any) -> Events:
    return operate(ex, SetVenueLimits, mode=name, **amounts)


def tier(ex: Exchange, name: str = "standard", **caps: int) -> Events:
    return operate(ex, SetOrderTier, tier=name, **caps)


def terms(ex: Exchange, account: str, **body: Any) -> Events:
    return operate(ex, SetAccountTerms, account=account, **body)


def states(events: Events) -> list[tuple[str, str]]:
    """(state, reason) of every change of a market's state."""
    return [(event.state, event.reason) for event in of(events, MarketStateChanged)]


def state_of(ex: Exchange, market: str = MARKET) -> str:
    """How the market trades."""
    return ex.state.markets[market].status.state


def run_in(ex: Exchange, account: str) -> None:
    """Set something of everything that the venue keeps, without a limit that anybody would meet."""
    wide = MarketLimits(band_ppb=900_000_000, breaker_ppb=0)
    change(ex, limits=wide.model_copy(update={"position_cap": "99999"}))
    change(ex, 2, limits=wide)
    limits(ex, max_daily_loss="99999999")
    tier(ex, per_minute=99_999, per_hour=99_999, per_day=99_999)
    tier(ex, "maker")
    terms(ex, account, tier="maker")
    operate(ex, SetAlertRule, rule=AlertRule(name="thin", each="account", when="equity < 0"))
    for on in (True, False):
        switch(ex, "maintenance", on=on)
