"""The 41 markets that come with the system: all can be listed and traded as they stand in the file."""

from pathlib import Path
from typing import Final

import pytest
from cleartide.contracts import (
    ListMarket,
    MarketListed,
    MarketSpec,
    OrderRejected,
    ReferralTermsSet,
    SetFeeSchedule,
    SetReferralTerms,
    TradeExecuted,
)
from cleartide.money import PPB, Grid
from cleartide.ops.catalogue import read_catalogue

from services.matching.tests.support import Exchange, of, only

FILE: Final = Path(__file__).resolve().parents[3] / "deploy" / "venues" / "quantdesk.toml"
CATALOGUE: Final = read_catalogue(FILE)
BY_LEVERAGE: Final = {
    100: "BTC",
    50: "ETH SOL",
    30: "BNB MATIC AVAX ARB",
    25: "OP IMX LRC",
    20: "RAY SRM MNGO ORCA JUP STEP COPE FIDA UNI AAVE COMP MKR CRV FET AGIX OCEAN",
    15: "AXS SAND MANA GALA",
    10: "BONK WIF POPCAT MYRO PEPE DOGE SHIB GOLD SILVER",
    5: "USDC DAI",
}
MARGINS: Final = {10: (100, 50), 5: (200, 100)}
"""Initial and maintenance margin in tenths of a percent by leverage; 50 and 30 for all others."""


def each(market: MarketSpec) -> str:
    return market.market


def test_venue_cat_001_all_41_markets_are_listed() -> None:
    """VENUE-CAT-001: with the assets, the leverage and the margins that the seed gives them."""
    ex = Exchange(listed=False)
    for spec in CATALOGUE.markets:
        only(ex.send(ListMarket, source="operator", spec=spec), MarketListed)
    ex.restart()
    assert len(ex.state.markets) == 41
    for leverage, bases in BY_LEVERAGE.items():
        for base in bases.split():
            spec = ex.state.markets[f"{base}-PERP"].spec
            assert spec.base == base and spec.limits is not None and spec.limits.max_leverage == leverage
            initial, maintenance = MARGINS.get(leverage, (50, 30))
            rates = [bracket.initial_margin_ppb for bracket in spec.brackets]
            fractions = {bracket.maintenance_fraction_ppb for bracket in spec.brackets}
            assert initial * PPB // 1_000 in rates or leverage == 15
            assert fractions == {maintenance * PPB // initial}


@pytest.mark.parametrize("spec", CATALOGUE.markets, ids=each)
def test_venue_cat_002_the_first_bracket_gives_the_leverage_and_every_market_trades(spec: MarketSpec) -> None:
    """VENUE-CAT-002: orders from the smallest to the largest size, and neither less nor more."""
    limits = spec.limits
    assert limits is not None and limits.max_leverage and limits.min_order_size and limits.max_order_size
    assert spec.brackets[0].initial_margin_ppb == -(-PPB // limits.max_leverage)
    rates = [bracket.initial_margin_ppb for bracket in spec.brackets]
    assert rates == sorted(set(rates))
    ex, grid = Exchange(listed=False), Grid.of(spec.tick_size, spec.lot_size)
    ex.send(ListMarket, source="operator", spec=spec)
    ticks = 10**12 // (grid.lots(limits.max_order_size) * grid.quanta_per_lot_tick)
    price, name = grid.price_text(ticks), spec.market
    ex.price(price, market=name)
    for account in ("ann", "bob"):
        ex.deposit(account, "900000000")
    for seller, buyer, size in (("bob", "ann", limits.min_order_size), ("ann", "bob", limits.max_order_size)):
        ex.place(seller, "sell", size, price, market=name)
        assert of(ex.place(buyer, "buy", size, price, market=name), TradeExecuted)
    larger, smaller = grid.lots(limits.max_order_size) + 1, grid.lots(limits.min_order_size) - 1
    order = ex.place("ann", "buy", grid.size_text(larger), price, market=name)
    assert only(order, OrderRejected).reason == "above_max_size"
    if smaller:
        order = ex.place("ann", "buy", grid.size_text(smaller), price, market=name)
        assert only(order, OrderRejected).reason == "below_min_size"


def test_venue_cat_003_the_modes_and_the_tier_of_users_are_those_of_the_seed() -> None:
    """VENUE-CAT-003: 10/100/1000 orders for users, none for makers; limits of demo and of live."""
    assert CATALOGUE.tiers == {"standard": {"per_minute": 10, "per_hour": 100, "per_day": 1_000}, "maker": {}}
    assert CATALOGUE.limits == {
        "demo": {"max_position": "10000", "max_leverage": 100, "max_daily_loss": "1000"},
        "live": {"max_position": "100000", "max_leverage": 50, "max_daily_loss": "10000"},
    }


def test_venue_cat_005_the_fees_of_the_file_are_in_force_as_they_stand() -> None:
    """VENUE-CAT-005: tiers with rebates at the top, 10 % off for the referred, 25 % of the rest for their referrer."""
    ex = Exchange()
    ex.send(SetFeeSchedule, source="operator", tiers=CATALOGUE.fee_tiers)
    ex.send(SetReferralTerms, source="operator", referee_discount_ppb=0, referrer_share_ppb=0)
    told = only(ex.send(SetReferralTerms, source="operator", **CATALOGUE.referrals), ReferralTermsSet)
    assert (told.referee_discount_ppb, told.referrer_share_ppb) == (100_000_000, 250_000_000)
    first, *_, last = CATALOGUE.fee_tiers
    assert (first.taker_fee_ppb, first.maker_fee_ppb, last.maker_fee_ppb) == (500_000, 0, -200_000)


def test_venue_cat_004_a_file_that_says_nonsense_is_refused(tmp_path: Path) -> None:
    """VENUE-CAT-004: a market twice, a field that does not exist."""
    text = FILE.read_text()
    market = text[text.index("[[markets]]") : text.index("[[markets]]", text.index("[[markets]]") + 1)]
    (tmp_path / "twice.toml").write_text(text + market)
    with pytest.raises(ValueError, match="twice"):
        read_catalogue(tmp_path / "twice.toml")
    (tmp_path / "odd.toml").write_text(text.replace('tick_size = "0.1"', 'tick = "0.1"', 1))
    with pytest.raises(ValueError, match="tick"):
        read_catalogue(tmp_path / "odd.toml")
