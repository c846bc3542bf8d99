"""The same fold on a real PostgreSQL: rows equal those in memory, and the questions are answered from them."""

from typing import Any

import pytest
from cleartide.contracts import AlertAnswered, RiskLimitsSet
from cleartide.money import quanta_from_text
from cleartide.service import QueryError

from services.risk.analysis import FLAT_PERCENTS, analyses
from services.risk.app import SERVICE
from services.risk.domain.health import has_prices, margin_of
from services.risk.domain.scenario import stress
from services.risk.queries import queries
from services.risk.tests.scenario import Scenario
from services.risk.tests.support import Venue
from services.risk.tests.test_risk_watching import NO_LIMITS
from services.risk.views import account_view, riskiest_first
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database

QUERIES = {**queries(500), **analyses(500)}


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


async def test_rows_and_answers_on_a_real_database(schema: ServiceSchema) -> None:
    """RISK-DB-005 and the answers below: two epochs in batches leave the rows of one fold in memory."""
    scenario = Scenario(11, markets=4, accounts=20, most_positions=3, assets=5)
    for _ in range(400):
        scenario.step()
    venue = scenario.venue
    venue.say(RiskLimitsSet, account="a3", **{**NO_LIMITS, "max_position_quanta": 1, "max_leverage": 7})
    venue.say(AlertAnswered, account="a3", alert=1, answer="acknowledge", note="seen", actor="a3")
    venue.commit()
    half = len(venue.heard) // 2
    await schema.run_trading_epoch(venue.heard[:half], 50)
    await schema.run_trading_epoch(venue.heard[half:], 7)
    await schema.assert_holds(venue.tables)
    async with schema.pool() as pool:
        await check_accounts(pool, venue)
        await check_one_account(pool, venue)
        await check_alerts(pool, venue)
        await check_summary(pool, venue)
        await check_analyses(pool, venue)
        await check_watching(pool, venue)


async def check_accounts(pool: Any, venue: Venue) -> None:
    """RISK-VIEW-005: the list is that of the state in memory at the same event, whole or by level."""
    holders = [account for account in venue.state.accounts.values() if account.positions]
    answer = await QUERIES["accounts"](pool, {"limit": 5})
    assert answer["as_of_seq"] == venue.effects.seq
    assert answer["total"] == answer["considered"] == len(holders)
    assert answer["accounts"] == [account_view(account) for account in riskiest_first(holders)[:5]]
    bad = await QUERIES["accounts"](pool, {"level": "liquidatable"})
    assert bad["total"] == len(bad["accounts"])
    assert {account["level"] for account in bad["accounts"]} == {"liquidatable"}


async def check_one_account(pool: Any, venue: Venue) -> None:
    """RISK-VIEW-006: one account by its id; an unknown one is not found."""
    answer = await QUERIES["account"](pool, {"account": "a3"})
    assert answer == {"as_of_seq": venue.effects.seq, **account_view(venue.state.accounts["a3"])}
    with pytest.raises(QueryError, match="nobody"):
        await QUERIES["account"](pool, {"account": "nobody"})


async def check_alerts(pool: Any, venue: Venue) -> None:
    """RISK-VIEW-007: newest first, or on from a sequence, for all or for one account, inputs included."""
    newest = (await QUERIES["alerts"](pool, {"limit": 3}))["alerts"]
    last = venue.state.alerts
    assert [alert["seq"] for alert in newest] == [last, last - 1, last - 2]
    after = (await QUERIES["alerts"](pool, {"after": last - 2}))["alerts"]
    assert after == newest[1::-1]
    older = (await QUERIES["alerts"](pool, {"before": last - 1, "limit": 1}))["alerts"]
    assert older == newest[2:]
    every = (await QUERIES["alerts"](pool, {"limit": 500}))["alerts"]
    cause = every[len(every) // 2]["cause_seq"]
    caused = (await QUERIES["alerts"](pool, {"caused_before": cause, "limit": 500}))["alerts"]
    assert caused == [alert for alert in every if alert["cause_seq"] < cause] != []
    mine = (await QUERIES["alerts"](pool, {"account": "a3", "after": 0, "limit": 500}))["alerts"]
    assert [alert["account_seq"] for alert in mine] == list(range(1, len(mine) + 1))
    shown = await pool.fetchval("SELECT count(*) FROM alert_inputs WHERE alert_seq = $1", last)
    assert len(newest[0]["inputs"]) == shown > 0


async def check_summary(pool: Any, venue: Venue) -> None:
    """RISK-VIEW-008: every account is in one level, every holder with a price in one column."""
    answer = await QUERIES["summary"](pool, {})
    assert sum(answer["levels"].values()) == len(venue.state.accounts)
    assert sum(column["accounts"] for column in answer["histogram"]) == answer["total"]
    assert answer["liquidating"] == sum(account.liquidating for account in venue.state.accounts.values())


async def check_analyses(pool: Any, venue: Venue) -> None:
    """RISK-VIEW-009: scenarios, exposure, map, tail and what-if are computed from the rows of one snapshot."""
    holders = [one for one in venue.state.accounts.values() if one.positions and has_prices(one)]
    answer = await QUERIES["stress"](pool, {})
    assert (answer["as_of_seq"], answer["total"]) == (venue.effects.seq, len(holders))
    for percent, found in zip(FLAT_PERCENTS, answer["scenarios"], strict=False):
        truth = stress(holders, dict.fromkeys(venue.state.markets, percent * 10_000))
        assert (found["liquidatable"], found["bankrupt"]) == (truth.liquidatable, truth.bankrupt)
    exposure = await QUERIES["exposure"](pool, {})
    assert sum(market["holders"] for market in exposure["markets"]) == sum(len(one.positions) for one in holders)
    market = exposure["markets"][0]["market"]
    steps = (await QUERIES["liquidation_map"](pool, {"market": market}))["steps"]
    assert sum(step["accounts"] for step in steps) <= exposure["markets"][0]["holders"]
    name = holders[0].account
    assert (await QUERIES["tail"](pool, {"account": name}))["account"] == name
    order = {"account": name, "market": market, "side": "sell", "size": "0.010"}
    equity = margin_of(holders[0]).equity_quanta
    before = (await QUERIES["what_if_order"](pool, order))["before"]
    moved = await QUERIES["what_if_prices"](pool, {"account": name, "percent": "0"})
    assert before == moved["before"] == moved["after"]
    assert quanta_from_text(before["equity"]) == equity
    for wrong in ({**order, "size": "0.0001"}, {**order, "side": "hold"}, {**order, "market": "NONE"}):
        with pytest.raises(QueryError):
            await QUERIES["what_if_order"](pool, wrong)
    with pytest.raises(QueryError, match="percent"):
        await QUERIES["what_if_prices"](pool, {"account": name, "percent": "-99.5"})
    assert (await QUERIES["insurance"](pool, {}))["points"] == []


async def check_watching(pool: Any, venue: Venue) -> None:
    """RISK-VIEW-010: limits, the alerts that hold, and what was answered to which."""
    answer = await QUERIES["watching"](pool, {"account": "a3"})
    assert (answer["limits"]["max_position"], answer["limits"]["max_leverage"]) == ("0.000001", 7)
    assert {(one["kind"], one["market"] or "") for one in answer["holding"]} == set(venue.state.accounts["a3"].flags)
    assert (await QUERIES["watching"](pool, {"account": "nobody"}))["limits"] is None
    told = (await QUERIES["alerts"](pool, {"account": "a3", "after": 0, "limit": 500}))["alerts"]
    assert told[0]["acknowledged"] == {"by": "a3", "at": venue.effects.at, "note": "seen"}
    assert all(alert["acknowledged"] is None for alert in told[1:])
    assert {alert["kind"] for alert in told} >= {"health", "position_limit"}
