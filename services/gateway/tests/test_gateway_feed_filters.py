"""The feed looked through: by account, level, market and rule, page by page, on the table as the fold writes it."""

import re
from collections.abc import Sequence
from itertools import product
from typing import Any

import asyncpg
from cleartide.contracts import RiskAlertRaised, RuleAlertRaised
from cleartide.ops.registry import migrations_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.handlers import on_alert
from services.gateway.queries import Sought, alerts_after, alerts_before
from services.gateway.repository import ALERT_FEED, AlertRepository
from services.gateway.tests.notify_desk import Servers
from services.gateway.tests.support import alert
from services.gateway.tests.test_gateway_feed import Silence

MARKETS = ("BTC-PERP", "ETH-PERP", None)
RULES = ("close", "thin")
ABOUT = st.tuples(
    st.sampled_from(["a1", "a2"]), st.sampled_from(["watch", "critical", "resolved"]), st.sampled_from(MARKETS)
)
RAISED = st.lists(st.tuples(ABOUT, st.sampled_from([None, *RULES]), st.sampled_from([0, 1])), max_size=25)
Raised = RiskAlertRaised | RuleAlertRaised


def raised(seq: int, about: tuple[str, Any, str | None], rule: str | None, positions: int) -> Raised:
    """An alert of health or another kind, or by a rule."""
    account, level, market = about
    one = alert(seq, account, level, positions=positions).model_copy(update={"market": market})
    if rule is None:
        return one
    named = {"rule": rule, "market": market, "condition": "equity < 1", "figures": ()}
    left_out = {"type", "version", "kind", "market", "value", "threshold", "formula"}
    return RuleAlertRaised(**{**one.model_dump(exclude=left_out), **named})


def fits(one: Raised, sought: Sought) -> bool:
    """What the filters mean."""
    markets = {position.market for position in one.inputs} | {getattr(one, "market", None)}
    return (
        sought.account in (None, one.account)
        and sought.level in (None, one.level)
        and (sought.market is None or sought.market in markets)
        and (sought.rule is None or sought.rule == getattr(one, "rule", None))
    )


async def written(connection: Any, alerts: Sequence[Raised]) -> None:
    """In the table, as the fold puts them."""
    repository = AlertRepository()
    feed = repository.restore({})
    for one in alerts:
        on_alert(feed, one, Silence())
    rows = repository.collect(feed).rows.get(ALERT_FEED, [])
    columns = list(ALERT_FEED.columns)
    places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    await connection.executemany(f"INSERT INTO alert_feed ({', '.join(columns)}) VALUES ({places})", rows)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=RAISED, limit=st.integers(1, 7))
async def test_any_filter_finds_what_it_means_page_by_page(light: Servers, told: list[Any], limit: int) -> None:
    """GW-FEED-005: by account, level, market and rule, alone and together, older and newer, none lost or repeated."""
    alerts = [raised(seq, *one) for seq, one in enumerate(told, 1)]
    async with asyncpg.create_pool(light.service_dsn("gateway"), min_size=1, max_size=1) as pool:
        async with pool.acquire() as connection:
            await connection.execute("DELETE FROM alert_feed")
            await written(connection, alerts)
        for wanted in product((None, "a1"), (None, "critical"), MARKETS, (None, "thin")):
            sought = Sought(*wanted)
            meant = [one.seq for one in alerts if fits(one, sought)]
            assert await _older(pool, sought, limit) == meant, sought
            middle = len(alerts) // 2
            found = await alerts_after(pool, middle, sought)
            assert [row.seq for row in found] == [seq for seq in meant if seq > middle], sought


async def _older(pool: "asyncpg.Pool[Any]", sought: Sought, limit: int) -> list[int]:
    """All of them, from the newest page to the oldest, put in order."""
    found: list[int] = []
    before: int | None = None
    while page := await alerts_before(pool, before, sought, limit):
        assert len(page) <= limit
        found = [row.seq for row in page] + found
        before = found[0]
    return found


async def test_alerts_of_before_are_found_as_well(light: Servers) -> None:
    """GW-FEED-006: what was in the table before there were filters is filled in as the fold would have written it."""
    text = (migrations_folder("gateway") / "0009_alert_filters.sql").read_text()
    [fill] = re.findall(r"^UPDATE .*?;$", text, re.MULTILINE | re.DOTALL)
    connection = await asyncpg.connect(light.service_dsn("gateway"))
    try:
        about = product(("a1",), ("watch",), MARKETS)
        alerts = [raised(seq, *one) for seq, one in enumerate(product(about, (None, "thin"), (0, 1)), 1)]
        await written(connection, alerts)
        expected = await connection.fetch("SELECT * FROM alert_feed ORDER BY seq LIMIT 100")
        await connection.execute("UPDATE alert_feed SET rule = '', markets = ''")
        await connection.execute(fill)
        assert await connection.fetch("SELECT * FROM alert_feed ORDER BY seq LIMIT 100") == expected
        assert len({(row["rule"], row["markets"]) for row in expected}) > 4
    finally:
        await connection.close()
