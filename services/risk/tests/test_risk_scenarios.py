"""What a scenario says is what the venue would be, figured again by other means."""

from fractions import Fraction
from itertools import pairwise
from typing import Any

from cleartide.contracts import PositionChanged
from cleartide.rules.margin import requirements
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.risk.domain import tail
from services.risk.domain.exposure import exposures, liquidation_map
from services.risk.domain.health import has_prices, margin_of
from services.risk.domain.scenario import after_order, margin_under, stress, sufficiency
from services.risk.domain.state import HOUR_MICROS, MOST_HOURS, Account
from services.risk.tests.brute_force import BruteForce
from services.risk.tests.scenario import Scenario
from services.risk.tests.support import Venue, position_body
from services.risk.tests.test_risk_alerts import BTC, ETH, venue_with_long

seeds = st.integers(0, 2**32 - 1)
shocks = st.integers(-990_000, 3_000_000)
walked = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def walked_venue(seed: int, steps: int = 25) -> Scenario:
    """A random venue with collateral, brackets and funding, some steps on."""
    scenario = Scenario(seed, markets=3, accounts=8, most_positions=3, assets=4)
    for _ in range(steps):
        scenario.step()
    return scenario


def holders(scenario: Scenario) -> list[Account]:
    """Whoever has positions and prices."""
    return [one for one in scenario.venue.state.accounts.values() if one.positions and has_prices(one)]


def plain_margin(brute: BruteForce, name: str, moved: dict[str, int]) -> tuple[int, int]:
    """(equity, maintenance margin) at moved prices, from the brute force's own books."""
    before = {market: (held.mark, held.oracle) for market, held in brute.markets.items()}
    for market, shock in moved.items():
        held = brute.markets[market]
        held.mark, held.oracle = (max(1, int(price * (1 + Fraction(shock, 10**6)))) for price in before[market])
    account = brute.accounts[name]
    equity, margin = account.cash + brute.collateral(account), 0
    for market, position in account.positions.items():
        held = brute.markets[market]
        value = position.lots * held.mark * held.u
        equity += position.quote + value - position.lots * (held.index - position.settled)
        margin += requirements(abs(value), held.brackets)[1]
    for market, (mark, oracle) in before.items():
        brute.markets[market].mark, brute.markets[market].oracle = mark, oracle
    return equity, margin


@walked
@given(seed=seeds, first=shocks, second=shocks)
def test_margin_at_other_prices(seed: int, first: int, second: int) -> None:
    """RISK-WHATIF-001: equity and requirement of a move are those of the venue at these prices, collateral included."""
    scenario = walked_venue(seed)
    moved = dict(zip(sorted(scenario.prices), (first, second), strict=False))
    for account in holders(scenario):
        found = margin_under(account, moved)
        truth = plain_margin(scenario.brute, account.account, moved)
        assert (found.equity_quanta, found.maintenance_margin_quanta) == truth
        assert margin_under(account, {}) == margin_of(account)


@walked
@given(seed=seeds, lots=st.integers(-3_000, 3_000).filter(bool), price=st.integers(900, 1_100))
def test_an_order_that_filled(seed: int, lots: int, price: int) -> None:
    """RISK-WHATIF-002: margin after an order is the account's margin once matching says that it filled."""
    scenario = walked_venue(seed)
    state, venue = scenario.venue.state, scenario.venue
    account = holders(scenario)[0]
    market = state.markets[sorted(scenario.prices)[0]]
    market.taker_fee_ppb = 450_001
    ticks = max(1, market.mark_ticks * price // 1_000)
    outcome = after_order(account, market, lots, ticks)
    held = account.positions.get(market.market)
    notional = abs(lots) * ticks * market.quanta_per_lot_tick
    assert outcome.fee_quanta == -(-notional * 450_001 // 10**9)
    body = position_body(
        account.account,
        market.market,
        outcome.lots,
        quote=(held.quote_quanta if held else 0) - lots * ticks * market.quanta_per_lot_tick,
        cash=account.cash_quanta + (held.unsettled_funding_quanta if held else 0) - outcome.fee_quanta,
        index=market.funding_index_quanta,
    )
    venue.hear(venue.event(PositionChanged, **body))
    assert outcome.after == margin_of(account)


def test_an_order_is_allowed_when_equity_covers_it_or_it_lowers_the_risk() -> None:
    """RISK-WHATIF-003: initial margin decides (R10); below it only what is no riskier passes (3.11)."""
    venue = venue_with_long(20_000_000)
    account, market = venue.state.accounts["alice"], venue.state.markets[BTC]
    assert after_order(account, market, 1_000, 100_000).allowed
    assert not after_order(account, market, 1_001, 100_000).allowed
    assert after_order(account, market, 1_000, 100_000).liquidation_ticks == 94_737
    venue.mark(BTC, 85_000)
    assert not after_order(account, market, 1, 85_000).allowed
    assert after_order(account, market, -1, 85_000).allowed


@walked
@given(seed=seeds, shock=shocks)
def test_a_stress_counts_everybody(seed: int, shock: int) -> None:
    """RISK-STRESS-001: liquidatable, bankrupt and owed are sums over the accounts, to the quantum."""
    scenario = walked_venue(seed)
    moved = dict.fromkeys(scenario.prices, shock)
    accounts = holders(scenario)
    truth = [plain_margin(scenario.brute, account.account, moved) for account in accounts]
    found = stress(accounts, moved)
    due = [(equity, margin) for equity, margin in truth if margin > 0 and equity < margin]
    assert (found.accounts, found.liquidatable) == (len(accounts), len(due))
    assert found.bankrupt == sum(equity < 0 for equity, _ in due)
    assert sum(found.shortfall_quanta.values()) == -sum(min(0, equity) for equity, _ in due)


def test_a_fund_answers_for_its_own_market() -> None:
    """RISK-STRESS-002: what one market's fund has left over covers no other market's debt."""
    covers = sufficiency({BTC: 100, ETH: 5}, {ETH: 30})
    assert {market: cover.uncovered_quanta for market, cover in covers.items()} == {BTC: 0, ETH: 25}


@given(
    values=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=3),
    prices=st.lists(st.lists(st.integers(1, 10**6), min_size=3, max_size=3), min_size=22, max_size=60),
    percent=st.sampled_from((95, 99)),
)
def test_the_tail_is_that_of_past_windows(values: list[int], prices: list[list[int]], percent: int) -> None:
    """RISK-TAIL-001: the loss that the worst 5 % (1 %) of windows reach, and their mean, figured again in fractions."""
    histories = {f"M{at}": {hour: row[at] for hour, row in enumerate(prices)} for at in range(len(values))}
    held = {f"M{at}": value for at, value in enumerate(values)}
    results = tail.outcomes(held, histories, 1)
    exact = [
        sum(Fraction(value) * row[at] / before[at] - value for at, value in enumerate(values))
        for before, row in pairwise(prices)
    ]
    if any(values):
        assert all(0 <= truth - one < len(values) for one, truth in zip(results, exact, strict=True))
        found = tail.tail(results, percent)
        worst = sorted(results)[: max(1, -(-len(results) * (100 - percent) // 100))]
        assert found is not None
        assert found.value_at_risk_quanta == max(0, -worst[-1])
        assert 0 <= found.expected_shortfall_quanta - max(Fraction(0), Fraction(-sum(worst), len(worst))) < 1
        assert found.expected_shortfall_quanta >= found.value_at_risk_quanta


def test_too_little_history_says_nothing() -> None:
    """RISK-TAIL-002: below twenty windows there is no 95th percentile."""
    assert tail.tail([-1] * 19, 95) is None
    assert tail.tail([-1] * 20, 95) == tail.Tail(1, 1)


def test_history_gives_the_worst_window_and_betas() -> None:
    """RISK-TAIL-003: the worst hour is a real one, of all markets at once; beta is a share of the mean move."""
    up = [100_000 + (1 if hour % 2 else -1) * 10 * hour for hour in range(40)]
    histories = {
        "A": dict(enumerate(up)),
        "B": {hour: 100_000 + 3 * (price - 100_000) for hour, price in enumerate(up)},
    }
    worst = tail.worst_window(histories, 1)
    assert worst is not None
    assert worst["B"] < worst["A"] < 0
    found = tail.betas(histories, 1)
    assert 490_000 < found["A"] < 510_000
    assert 1_490_000 < found["B"] < 1_510_000
    assert tail.betas({"A": {1: 5}}, 1) == {"A": 1_000_000}


@walked
@given(seed=seeds)
def test_the_liquidation_map_is_where_liquidations_begin(seed: int) -> None:
    """RISK-MAP-001: each holder stands at the first percent at which the account is below maintenance, or nowhere."""
    scenario = walked_venue(seed)
    market = sorted(scenario.prices)[0]
    accounts = [account for account in holders(scenario) if market in account.positions]
    truth: dict[int, int] = {}
    for account in accounts:
        against = -1 if account.positions[market].lots > 0 else 1
        for percent in range(51):
            moved = margin_under(account, {})
            position, held = account.positions[market], scenario.brute.markets[market]
            ticks = max(1, held.mark * (100 + against * percent) // 100)
            value = position.lots * held.u
            change = (
                requirements(abs(value) * ticks, held.brackets)[1]
                - requirements(abs(value) * held.mark, held.brackets)[1]
            )
            equity = moved.equity_quanta + value * (ticks - held.mark)
            margin = moved.maintenance_margin_quanta + change
            if margin > 0 and equity < margin:
                truth[against * percent] = truth.get(against * percent, 0) + 1
                break
    steps = liquidation_map(accounts, market)
    assert {step.percent: step.accounts for step in steps if step.accounts} == truth
    assert [step.percent for step in steps] == list(range(-50, 51))


def test_exposure_and_concentration() -> None:
    """RISK-EXPO-001: long and short of every market, the largest holder's and the ten largest's share, Herfindahl."""
    venue = venue_with_long(20_000_000)
    venue.hold("bob", BTC, -3_000, quote=300_000_000, cash=90_000_000)
    found = exposures(venue.state.accounts.values())[BTC]
    assert (found.holders, found.long_quanta, found.short_quanta) == (2, 100_000_000, 300_000_000)
    assert (found.largest_account, found.largest_ppm, found.top_ten_ppm) == ("bob", 750_000, 1_000_000)
    assert found.concentration_ppm == 625_000


def test_each_hour_keeps_its_first_price() -> None:
    """RISK-HIST-001: one price an hour, 31 days of them, across restarts."""
    venue = Venue()
    venue.list_market(BTC)
    first = venue.effects.at // HOUR_MICROS + 1
    for hour in range(MOST_HOURS + 3):
        _at(venue, (first + hour) * HOUR_MICROS, 1_000 + hour)
        _at(venue, (first + hour) * HOUR_MICROS + 5, 1)
    hours = venue.state.markets[BTC].hours
    assert hours == {first + hour: 1_000 + hour for hour in range(3, MOST_HOURS + 3)}
    venue.restart()
    assert venue.state.markets[BTC].hours == hours


def _at(venue: Any, at: int, ticks: int) -> None:
    venue.effects.at = at - 1_000_000
    venue.mark(BTC, ticks)
