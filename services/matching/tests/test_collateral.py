"""Collateral in several assets: what it counts for, who may pay it in and out, and how much of it (4.1, R11)."""

from fractions import Fraction
from typing import Any

import pytest
from cleartide.contracts import (
    AssetChanged,
    AssetListed,
    AssetSpec,
    CollateralChanged,
    ListAsset,
    OrderAccepted,
    OrderRejected,
    TransferApplied,
)
from cleartide.fold import Reject
from cleartide.money import PPB
from cleartide.rules.collateral import (
    SETTLEMENT_PRICE,
    UnitPrice,
    converted,
    quanta_of,
    unit_price,
    units_worth,
)
from hypothesis import given
from hypothesis import strategies as st

from services.matching.domain.margin import free_equity, initial_collateral, standing, withdrawable_units
from services.matching.tests.bank import ASSETS, PERCENT, Bank, refused
from services.matching.tests.support import QUOTE, SECOND, of, only

prices = st.builds(UnitPrice, st.integers(1, 10**15), st.integers(1, 10**9))


def equity(ex: Bank, account: str) -> int:
    return standing(ex.state.accounts[account]).equity_quanta


def test_acc_col_001_a_deposit_is_credited_in_its_own_units() -> None:
    """ACC-COL-001: 0.5 BTC are 5e7 units; the ledger of BTC balances by itself."""
    ex = Bank()
    changed = only(ex.bring("ann", "BTC", "0.5"), CollateralChanged)
    assert (changed.asset, changed.amount_units, changed.balance_units, changed.kind) == (
        "BTC",
        50_000_000,
        50_000_000,
        "deposit",
    )
    assert (ex.units("ann", "BTC"), ex.balance_of("external:BTC")) == (50_000_000, -50_000_000)


@pytest.mark.parametrize(
    ("asset", "amount", "health", "initial"),
    [
        ("BTC", "0.5", 450 * QUOTE, 400 * QUOTE),
        ("ETH", "2", 170 * QUOTE, 170 * QUOTE),
        ("SOL", "7.5", 60 * QUOTE, 52_500_000),
        ("USDT", "10.000001", 9_500_000, 9_500_000),
        ("EURC", "3.33", 3_439_673, 3_258_638),
    ],
)
def test_acc_col_002_an_asset_counts_by_amount_price_and_weight(
    asset: str, amount: str, health: int, initial: int
) -> None:
    """ACC-COL-002: floored to a quantum; 3.33 * 1.0873 * 0.95 = 3.43967355."""
    ex = Bank()
    ex.bring("ann", asset, amount)
    assert equity(ex, "ann") == health
    assert initial_collateral(ex.state.accounts["ann"]) == initial


def test_acc_col_003_five_assets_add_up() -> None:
    """ACC-COL-003: each is floored by itself, then added to cash."""
    ex = Bank()
    ex.deposit("ann", "1")
    for asset in ASSETS:
        ex.bring("ann", asset, "1.01")
    exact = [Fraction(101, 100) * price for price in (900, 85, 8, Fraction("0.95"), Fraction("1.0873") * 95 / 100)]
    assert equity(ex, "ann") == QUOTE + sum(int(value * QUOTE) for value in exact)


def test_acc_col_004_the_index_moves_what_collateral_is_worth() -> None:
    """ACC-COL-004: before a first price it is worth nothing."""
    ex = Bank()
    ex.bring("ann", "BTC", "1")
    ex.price("500")
    assert equity(ex, "ann") == 450 * QUOTE
    ex.list(market="NEW-PERP", base="NEW")
    new = ASSETS["BTC"].model_copy(update={"asset": "NEW", "index_market": "NEW-PERP"})
    ex.send(ListAsset, source="operator", spec=new)
    ex.bring("bob", "NEW", "1")
    assert equity(ex, "bob") == 0
    ex.price("10", "NEW-PERP")
    assert equity(ex, "bob") == 9 * QUOTE


@pytest.mark.parametrize(("size", "accepted"), [("8.000", True), ("8.001", False)])
def test_acc_col_005_collateral_opens_positions_by_its_initial_weight(size: str, accepted: bool) -> None:
    """ACC-COL-005: 1 BTC at 1000 opens 8000 of notional at 10 %."""
    ex = Bank()
    ex.bring("ann", "BTC", "1")
    events = ex.place("ann", "buy", size, "1000")
    assert bool(of(events, OrderAccepted)) == accepted
    if not accepted:
        assert only(events, OrderRejected).reason == "insufficient_margin"


def test_acc_col_006_a_stale_price_counts_for_health_and_not_for_new_risk() -> None:
    """ACC-COL-006: silence for a minute; nobody opens, or draws cash, against a price that may be gone."""
    ex = Bank()
    ex.deposit("ann", "100")
    ex.bring("ann", "ETH", "10")
    assert of(ex.place("ann", "buy", "2", "1000"), OrderAccepted)
    ex.wait(61 * SECOND)
    ex.price("1000")
    assert equity(ex, "ann") == 950 * QUOTE
    assert only(ex.place("ann", "buy", "0.001", "1000"), OrderRejected).reason == "insufficient_margin"
    assert refused(ex.withdraw("ann", "0.01")) == "exceeds_withdrawable"
    ex.price("100", "ETH-PERP")
    assert only(ex.withdraw("ann", "100"), TransferApplied)


def test_acc_col_007_what_is_not_needed_can_be_taken_out_to_the_unit() -> None:
    """ACC-COL-007: 1 BTC counts 800; 100 of margin must stay, so 0.125 BTC must."""
    ex = Bank()
    ex.bring("ann", "BTC", "1")
    ex.place("ann", "buy", "1", "1000")
    assert refused(ex.draw("ann", "BTC", "0.87500001")) == "exceeds_withdrawable"
    assert only(ex.draw("ann", "BTC", "0.875"), CollateralChanged).balance_units == 12_500_000
    ex.cancel("ann", next(iter(ex.state.accounts["ann"].orders)))
    assert only(ex.draw("ann", "BTC", "0.125"), CollateralChanged).balance_units == 0
    assert not ex.state.accounts["ann"].collateral


def test_acc_col_008_a_tenth_of_the_notional_stays_whatever_the_leverage() -> None:
    """ACC-COL-008: R11 counts collateral by its initial weight."""
    ex = Bank(
        brackets=(
            {
                "upper_notional_quanta": None,
                "initial_margin_ppb": 2 * PERCENT,
                "maintenance_fraction_ppb": 50 * PERCENT,
            },
        )
    )
    ex.bring("ann", "USDT", "1000")
    ex.deposit("bob", "100000")
    ex.place("bob", "sell", "1", "1000")
    ex.place("ann", "buy", "1", "1000")
    assert refused(ex.draw("ann", "USDT", "894.736843")) == "exceeds_withdrawable"
    assert only(ex.draw("ann", "USDT", "894.736842"), CollateralChanged).balance_units == 105_263_158


@pytest.mark.parametrize(
    ("asset", "amount", "why"),
    [
        ("DOGE", "1", "unknown_asset"),
        ("BTC", "0.000000001", "off_grid"),
        ("BTC", "0", "not_positive"),
        ("BTC", "1000.00000001", "asset_cap"),
        ("EURC", "1.001", "off_grid"),
        ("SOL", "99999999999", "overflow"),
    ],
)
def test_acc_col_009_a_bad_amount_is_refused_with_the_reason(asset: str, amount: str, why: str) -> None:
    """ACC-COL-009"""
    ex = Bank()
    assert refused(ex.bring("ann", asset, amount)) == why
    assert refused(ex.bring("insurance", "BTC", "1")) == "reserved_account"
    assert refused(ex.draw("ann", "BTC", "1")) == "unknown_account"
    ex.deposit("ann", "1")
    assert refused(ex.draw("ann", "BTC", "1")) == "exceeds_withdrawable"
    assert refused(ex.bring("ann", "BTC", "1", actor="eve")) == "not_permitted"
    assert refused(ex.draw("ann", "BTC", "1", actor="eve")) == "not_permitted"


def test_acc_col_010_the_cap_bounds_what_the_venue_holds() -> None:
    """ACC-COL-010: of all accounts together; what leaves makes room again, and pools count."""
    ex = Bank()
    ex.bring("ann", "BTC", "999")
    assert refused(ex.bring("bob", "BTC", "1.00000001")) == "asset_cap"
    ex.bring("bob", "BTC", "1")
    ex.draw("ann", "BTC", "2")
    assert only(ex.bring("cat", "BTC", "2"), CollateralChanged)


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({"asset": "BTC"}, "asset_exists"),
        ({"asset": "USDC"}, "asset_exists"),
        ({"index_market": "DOGE-PERP"}, "unknown_market"),
        ({"index_market": None}, "bad_spec"),
        ({"fixed_price": "1"}, "bad_spec"),
        ({"index_market": None, "fixed_price": "0"}, "bad_spec"),
        ({"initial_weight_ppb": 91 * PERCENT}, "bad_spec"),
        ({"maintenance_weight_ppb": PPB + 1}, "bad_spec"),
        ({"conversion_fee_ppb": PPB}, "bad_spec"),
        ({"cap": "0.000000001"}, "off_grid"),
        ({"cap": "999999999"}, "overflow"),
    ],
)
def test_acc_col_011_rules_that_make_no_sense_are_refused(rules: dict[str, Any], why: str) -> None:
    """ACC-COL-011: and nothing is listed."""
    ex = Bank()
    before = dict(ex.state.treasury.assets)
    spec = AssetSpec(**{**ASSETS["BTC"].model_dump(), "asset": "WBTC", **rules})
    with pytest.raises(Reject, match=why):
        ex.send(ListAsset, source="operator", spec=spec)
    assert ex.state.treasury.assets == before


def test_acc_col_012_changed_rules_hold_at_once_for_everybody() -> None:
    """ACC-COL-012: weights, price source and cap may change; decimals may not."""
    ex = Bank()
    ex.bring("ann", "BTC", "1")
    changed = only(ex.change("BTC", initial_weight_ppb=10 * PERCENT, maintenance_weight_ppb=50 * PERCENT), AssetChanged)
    assert changed.spec.maintenance_weight_ppb == 50 * PERCENT
    assert equity(ex, "ann") == 500 * QUOTE
    ex.change("BTC", index_market=None, fixed_price="2000")
    assert equity(ex, "ann") == 1_000 * QUOTE
    with pytest.raises(Reject, match="decimals_fixed"):
        ex.change("BTC", decimals=9)
    with pytest.raises(Reject, match="unknown_asset"):
        ex.change("USDC", fixed_price="2")
    with pytest.raises(Reject, match="bad_spec"):
        ex.change("BTC", fixed_price="0")
    assert equity(ex, "ann") == 1_000 * QUOTE


def test_acc_col_013_assets_and_balances_survive_a_restart() -> None:
    """ACC-COL-013"""
    ex = Bank()
    for asset in ASSETS:
        ex.bring("ann", asset, "1.5")
    ex.change("SOL", maintenance_weight_ppb=79 * PERCENT)
    ex.bring("bob", "SOL", "1")
    ex.draw("bob", "SOL", "1")
    before, free = standing(ex.state.accounts["ann"]), free_equity(ex.state.accounts["ann"])
    ex.restart()
    assert standing(ex.state.accounts["ann"]) == before
    assert free_equity(ex.state.accounts["ann"]) == free
    assert not ex.state.accounts["bob"].collateral
    assert ex.state.treasury.assets["SOL"].spec.maintenance_weight_ppb == 79 * PERCENT
    assert ex.state.treasury.pools.keys() == {"swap"}


def test_acc_col_014_an_asset_is_listed_once_and_says_its_rules() -> None:
    """ACC-COL-014"""
    ex = Bank()
    listed = of(ex.effects.emitted, AssetListed)
    assert [event.asset for event in listed] == list(ASSETS)
    assert listed[0].spec == ASSETS["BTC"]


def test_acc_col_015_an_accounts_collateral_counts_within_a_bound() -> None:
    """ACC-COL-015: 2^51 quanta, so that every published equity is exact in any language."""
    ex = Bank()
    ex.change("BTC", index_market=None, fixed_price="99999999999")
    ex.bring("ann", "BTC", "900")
    assert equity(ex, "ann") == 2**51
    assert only(ex.place("ann", "buy", "1", "1000"), OrderAccepted)


@given(st.integers(0, 2**52), prices, st.integers(1, PPB))
def test_acc_col_016_value_is_the_exact_product_floored(units: int, price: UnitPrice, weight: int) -> None:
    """ACC-COL-016: and `units_worth` is the least amount that reaches a value."""
    exact = units * Fraction(*price) * Fraction(weight, PPB)
    value = quanta_of(units, price, weight)
    assert value <= exact < value + 1
    least = units_worth(value, price, weight)
    assert quanta_of(least, price, weight) >= value
    assert least == 0 or quanta_of(least - 1, price, weight) < value
    assert least <= units


@given(st.integers(0, 2**52), prices, prices, st.integers(0, PPB - 1))
def test_acc_col_017_a_conversion_never_gives_more_than_it_takes(
    units: int, sold: UnitPrice, bought: UnitPrice, fee: int
) -> None:
    """ACC-COL-017: floor of the exact exchange less the fee; back and forth nobody gains."""
    exact = units * Fraction(*sold) / Fraction(*bought) * (1 - Fraction(fee, PPB))
    received = converted(units, sold, bought, fee)
    assert received <= exact < received + 1
    assert converted(received, bought, sold, fee) <= units


@given(st.decimals("0.000001", "100000", places=6), st.integers(0, 12))
def test_acc_col_018_prices_are_exact_fractions(price: Any, decimals: int) -> None:
    """ACC-COL-018: whatever the asset's decimals."""
    found = unit_price(str(price), decimals)
    assert Fraction(*found) * 10**decimals == Fraction(str(price)) * QUOTE
    assert unit_price("1", 6) == SETTLEMENT_PRICE


@given(
    st.dictionaries(st.sampled_from(sorted(ASSETS)), st.integers(1, 10**6), min_size=1),
    st.integers(0, 500),
    st.integers(0, 900),
)
def test_acc_col_019_taking_out_the_most_leaves_exactly_enough(held: dict[str, int], cash: int, size: int) -> None:
    """ACC-COL-019: for every asset, one unit more would break R11, and the most does not."""
    ex = Bank()
    ex.deposit("ann", f"{cash}.000001")
    for asset, amount in held.items():
        ex.bring("ann", asset, f"{amount / 1000:.2f}" if amount >= 10 else "0.01")
    if size:
        ex.place("ann", "buy", f"{size / 1000:.3f}", "1000")
    account = ex.state.accounts["ann"]
    for asset in held:
        pocket = account.collateral[asset]
        most = withdrawable_units(account, pocket)
        assert 0 <= most <= pocket.held.balance
        kept = pocket.held.balance
        pocket.held.balance -= most
        assert free_equity(account) >= 0 or most == 0
        pocket.held.balance -= 1
        assert most == kept or free_equity(account) < 0 or pocket.asset.price.numerator == 0
        pocket.held.balance = kept
