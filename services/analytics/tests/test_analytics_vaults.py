"""Shares of the venue's vaults in what analytics say of an account, fed by what matching says of them."""

import math
from decimal import Decimal
from typing import Any

import pytest
from cleartide.contracts.vaults import VaultSharesRedeemed, VaultValued
from cleartide.service import QueryError
from cleartide.store.tenant import TenantReads

from services.analytics.app import SERVICE
from services.analytics.domain.account import Inconsistent
from services.analytics.domain.performance import rates_of
from services.analytics.domain.state import AnalyticsState
from services.analytics.domain.vaults import SharePrice, largest_drawdown
from services.analytics.queries import QUERIES
from services.matching.tests.fund_house import STRATEGY, FundHouse
from services.matching.tests.support import QUOTE, SECOND, of
from services.matching.tests.test_farms import Farmers
from tests.support.fold_bench import HandlerBench
from tests.support.schema import migrated
from tests.support.servers import Database

HOUR = 3_600 * SECOND
PARTS = ("flows", "pnl", "funding", "yield")


class Statistics(HandlerBench[AnalyticsState]):
    """The analytics service beside a venue."""

    def __init__(self, ex: FundHouse) -> None:
        super().__init__(SERVICE.fold, 0)
        self.ex, self.told = ex, 0

    def catch_up(self) -> None:
        """Hear what was said since the last time."""
        events = self.ex.effects.emitted[self.told :]
        self.told += len(events)
        for event in events:
            if type(event) in SERVICE.fold.handlers:
                self.take(event, seq=event.seq, at=event.occurred_at)
        self.commit()

    def hour(self, account: str) -> dict[str, Any]:
        """The account's last closed hour."""
        return max(
            (row for row in self.rows("account_hours") if row["account"] == account), key=lambda row: row["start"]
        )


def a_tenth_gained() -> FundHouse:
    """Ann pays in 1,000 for a fee of 1, of which nearly all works and gains a tenth; she takes half of it out again."""
    ex = FundHouse(deposit_fee_bps=10, withdraw_fee_bps=10)
    ex.pay("ann", "1000")
    ex.work("999")
    ex.long("1")
    ex.price("1099.9")
    ex.leave("ann", ex.shares("ann") // 2)
    return ex


def test_what_goes_into_a_vault_is_no_flow_and_what_it_gains_is_yield() -> None:
    """ANA-VAULT-001: an hour with a deposit, a gain and a withdrawal; flows are what came from outside alone."""
    ex = a_tenth_gained()
    statistics = Statistics(ex)
    statistics.catch_up()
    worth = ex.worth("ann")
    ex.wait(HOUR)
    ex.price("1099.9")
    statistics.catch_up()
    row = statistics.hour("ann")
    assert row["flows"] == 100_000 * QUOTE
    assert row["fees"] == QUOTE + sum(redeemed.fee_quanta for redeemed in of(ex.effects.emitted, VaultSharesRedeemed))
    assert 99_890_000 <= row["earned"] <= 99_910_000
    assert row["equity_end"] == ex.cash("ann") + worth
    assert statistics.hour(STRATEGY)["flows"] > 0, "for the account that trades, what the vault sends is one"


def test_a_vault_is_valued_at_the_boundary_whoever_acts_first_after_it() -> None:
    """ANA-VAULT-002: the strategy trades at another price before the hour of its holder is closed: it is as it was."""
    ends = set()
    for first in ("ann", STRATEGY):
        ex = a_tenth_gained()
        statistics = Statistics(ex)
        ex.wait(HOUR)
        if first == STRATEGY:
            ex.flatten("1050")
        ex.deposit("ann", "1")
        ex.price("1000")
        ex.wait(HOUR)
        ex.price("1000")
        statistics.catch_up()
        hours = sorted(
            (row for row in statistics.rows("account_hours") if row["account"] == "ann"), key=lambda row: row["start"]
        )
        ends.add(hours[0]["equity_end"])
    assert len(ends) == 1


def test_farm_rewards_are_yield_and_the_platforms_part_a_fee() -> None:
    """ANA-VAULT-003: 100 earned gross, 20 of it the platform's."""
    ex = Farmers()
    statistics = Statistics(ex)
    ex.stake("ann", 2**29)
    ex.reward("100", 10)
    ex.wait(10 * SECOND)
    ex.claim("ann")
    ex.wait(HOUR)
    ex.price("1000")
    statistics.catch_up()
    row = statistics.hour("ann")
    assert (row["earned"], row["fees"]) == (100 * QUOTE, 20 * QUOTE)


def test_a_vault_whose_steps_do_not_add_up_stops_the_service() -> None:
    """ANA-SAFE-003: a reserve that nothing explains means that part of the stream is missing."""
    ex = a_tenth_gained()
    events = ex.effects.emitted
    place = next(number for number, event in enumerate(events) if isinstance(event, VaultValued) and event.shares)
    ex.effects.emitted[place] = events[place].model_copy(update={"reserve_quanta": 7})
    with pytest.raises(Inconsistent, match="calm"):
        Statistics(ex).catch_up()


async def test_a_portfolio_has_what_is_in_vaults(database: Database) -> None:
    """ANA-VAULT-004: equity, yield and shares now, also for who may see his own rows alone; the open day adds up."""
    ex = a_tenth_gained()
    schema = await migrated(database, SERVICE.fold, SERVICE.migrations)
    heard = [event for event in ex.effects.emitted if type(event) in SERVICE.fold.handlers]
    await schema.run_trading_epoch([event.model_copy(update={"seq": n}) for n, event in enumerate(heard, 1)], 5)
    async with schema.pool() as pool:
        told = await QUERIES["portfolio"](TenantReads(pool, "analytics", "ann"), {"account": "ann"})
        (day,) = (await QUERIES["account_days"](TenantReads(pool, "analytics", "ann"), {"account": "ann"}))["days"]
        leaders = (await QUERIES["leaderboard"](pool, {"by": "yield", "days": 1}))["accounts"]
    worth = Decimal(ex.worth("ann")).scaleb(-6)
    (held,) = told["vaults"]
    assert (held["vault"], held["shares"], Decimal(held["worth"])) == ("calm", ex.shares("ann"), worth)
    assert Decimal(told["equity"]) == Decimal(told["cash"]) + worth
    for span in (day, told["days"][0], told["windows"]["24h"]):
        moved = sum(Decimal(span[name]) for name in PARTS) - Decimal(span["fees"])
        assert Decimal(span["equity_end"]) - Decimal(span["equity_start"]) == moved
        assert (span["flows"], span["equity_end"]) == ("100000.000000", told["equity"])
    assert (leaders[0]["account"], leaders[0]["yield"]) == ("ann", day["yield"])


def test_a_share_gains_what_its_price_gains_whoever_comes_or_goes() -> None:
    """ANA-VAULT-006: an hour's price is that of its end; a deposit does not move it, a tenth gained is a tenth."""
    ex = FundHouse(virtual_shares=1)
    statistics = Statistics(ex)
    ex.pay("ann", "1000")
    ex.wait(HOUR)
    ex.price("1000")
    ex.pay("bob", "500")
    ex.work("1500")
    ex.long("1.5")
    ex.price("1100")
    ex.wait(HOUR)
    ex.price("1100")
    statistics.catch_up()
    before, after = (SharePrice(*row.values()) for row in statistics.rows("vault_hours")[-2:])
    assert (before.assets, before.shares, after.assets) == (1_000 * QUOTE, 1_000 * QUOTE, 1_650 * QUOTE)
    assert (before.million, after.million) == (1_000_000, 1_099_999)
    assert before.change(after) == Decimal("0.099999999933"), "the virtual unit's part is the others'"
    assert largest_drawdown([after, before, after]) == Decimal("0.090909090853")
    assert largest_drawdown([before, after]) == 0


def test_apr_is_simple_and_apy_compounds_each_under_its_own_name() -> None:
    """ANA-UNIT-005: one per cent in 10 days is 36.5 % a year simple, 43.79 % compounded; part of a day is neither."""
    apr, apy = rates_of(Decimal("0.01"), 10 * 24 * HOUR)
    assert apr == Decimal("0.365")
    assert apy is not None
    assert math.isclose(apy, 1.01**36.5 - 1, rel_tol=1e-11)
    assert rates_of(Decimal("0.01"), 24 * HOUR - 1) == (None, None)
    assert rates_of(Decimal("-1"), 24 * HOUR) == (Decimal("-365"), Decimal("-1"))
    assert rates_of(Decimal("9"), 24 * HOUR)[1] is None, "a number beyond sense is not told"


async def test_vaults_are_asked_for_with_their_past(database: Database) -> None:
    """ANA-VAULT-007: returns, APR and APY of every vault in one answer, and one vault's price hour by hour and now."""
    ex = FundHouse()
    ex.pay("ann", "1000")
    ex.work("1000")
    ex.long("1")
    for mark in ("1010", "990", "1020"):
        ex.wait(20 * HOUR)
        ex.price(mark)
    heard = [event for event in ex.effects.emitted if type(event) in SERVICE.fold.handlers]
    schema = await migrated(database, SERVICE.fold, SERVICE.migrations)
    await schema.run_trading_epoch([event.model_copy(update={"seq": n}) for n, event in enumerate(heard, 1)], 5)
    async with schema.pool() as pool:
        (told,) = (await QUERIES["vault_performance"](pool, {}))["vaults"]
        past = await QUERIES["vault_history"](pool, {"vault": "calm", "step": 3_600})
        one = await QUERIES["vault_history"](
            pool, {"vault": "calm", "step": 3_600, "limit": 1, "to": past["points"][1]["at"]}
        )
        with pytest.raises(QueryError, match="nothing"):
            await QUERIES["vault_history"](pool, {"vault": "nothing"})
        with pytest.raises(QueryError, match="whole hours"):
            await QUERIES["vault_history"](pool, {"vault": "calm", "step": 5_400})
    assert [point["assets"] for point in past["points"]] == ["1000.000000", "1010.000000", "990.000000", "1020.000000"]
    assert [point["unit_price"] for point in past["points"]] == ["1.000000", "1.009999", "0.990000", "1.019999"]
    assert one["points"] == past["points"][1:2]
    assert past["largest_drawdown"][:6] == "0.0198"
    assert (told["assets"], told["returns"]["7d"]) == ("1020.000000", None)
    assert [told["returns"][name][:6] for name in ("24h", "all")] == ["0.0099", "0.0199"]
    assert Decimal(told["apr"]) < Decimal(told["apy"])
