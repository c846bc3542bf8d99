"""Insurance funds and lamps as they are told from outside, on a real PostgreSQL."""

import pytest
from cleartide.bus.ports import Delivery
from cleartide.contracts.codec import encode

from services.matching.app import SERVICE
from services.matching.domain.waterfall.deleverage import ranking
from services.matching.domain.waterfall.score import lamps
from services.matching.queries import QUERIES
from services.matching.tests.ruled import insurance, rules, slow_seller
from services.matching.tests.support import MARKET, Exchange
from tests.support.fold_bench import in_batches
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


def crowd() -> Exchange:
    """Seven shorts of different cash and size against ann, one without equity, and a fund that holds something."""
    ex = Exchange(liquidation=rules(large_notional_quanta=2**52), taker_fee_ppb=0, maker_fee_ppb=0)
    ex.insure("2000")
    slow_seller(ex)
    ex.deposit("ann", "5000")
    for number in range(7):
        ex.deposit(f"short{number}", str(150 + 61 * number % 305))
        ex.report(str(1_000 + 3 * number), "0.5", buyer="ann", seller=f"short{number}")
    ex.report("1", "1", buyer="ann", seller="ruined")
    ex.deposit("lou", "60")
    ex.report("1000", "0.5", buyer="lou", seller="short1")
    ex.price("890")
    ex.liquidate("lou")
    ex.settle(100_000, 1)
    ex.commit()
    return ex


async def test_match_wtf_025_funds_and_lamps_are_told_as_the_sequencer_would_rank(schema: ServiceSchema) -> None:
    """MATCH-WTF-025: the lamps of the database are those of the exact scores, ties included."""
    ex = crowd()
    sent = [Delivery(0, at, command.subject, encode(command), "", 0) for at, command in ex.commands]
    await schema.run_epoch(in_batches(sent, 9))
    await schema.assert_holds(ex.tables)
    ranked = ranking(ex.state.accounts["ann"].holdings[MARKET])
    shown = dict(zip([each.account.name for each in ranked], lamps([each.score for each in ranked]), strict=True))
    assert set(shown) == {f"short{number}" for number in range(7)}
    async with schema.pool() as pool:
        for name, expected in shown.items():
            (position,) = (await QUERIES["deleveraging"](pool, {"account": name}))["positions"]
            assert (position["market"], position["lamps"], position["holders"]) == (MARKET, expected, 7)
        assert (await QUERIES["deleveraging"](pool, {"account": "ruined"}))["positions"] == []
        funds = {fund["market"]: fund for fund in (await QUERIES["insurance"](pool, {}))["funds"]}
        assert funds[MARKET]["position"] == "0.500"
        assert funds["SOL-PERP"]["position"] == "0.000"
        history = (await QUERIES["insurance_history"](pool, {"market": MARKET}))["entries"]
        assert history[-1]["kind"] == "insurance_deposit"
        assert sum(float(entry["amount"]) for entry in history) * 1_000_000 == pytest.approx(insurance(ex))
        steps = (await QUERIES["liquidations"](pool, {"account": "quin"}))["liquidations"]
        assert steps[0]["waits"] in ("not_filled", "cooling_down")
