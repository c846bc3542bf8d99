"""`kill -9` at every named point of the recipe, in every service: nothing is lost, nothing is doubled.

Each service in turn is started with a crash point, dies there under traffic, and is started again with the next one.
At the end its schema must equal what an undisturbed fold of the same input gives, and its output must be gapless.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from cleartide.bus.faults import CRASH_POINTS
from cleartide.contracts import AlertInput, Message, RiskAlertRaised
from cleartide.ops.rebuild import rebuild

from deploy.local.sandbox.market import MARKET
from tests.support.clients import Clients
from tests.support.indexer import Indexer
from tests.support.installation import Installation
from tests.support.investors import Investors
from tests.support.streams import assert_gapless
from tests.support.traffic import Traffic, publish_surely, venue_quote

FOLLOWERS = ("risk", "funding", "earnings", "analytics")
NEARLY_NOTHING = 0.01


@asynccontextmanager
async def _flowing(step: "Step") -> AsyncIterator[None]:
    """Messages keep coming while the body runs."""

    ended = asyncio.Event()

    async def flow() -> None:
        while not ended.is_set():
            await step()
            await asyncio.sleep(NEARLY_NOTHING)

    task = asyncio.create_task(flow())
    try:
        yield
    finally:
        # Not cancelled: Python 3.11 may forget a cancellation that arrives together with an answer.
        ended.set()
        await task


class Step:
    """What makes the service under test work: one message of its input."""

    async def __call__(self) -> None:
        raise NotImplementedError


class Commands(Step):
    """Traffic through matching, also of vaults, for the services that read trading events, and for matching itself."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic, self._investors = traffic, Investors(traffic.client, traffic.seed)

    async def __call__(self) -> None:
        await self._traffic.step()
        await self._investors.step()


class ChainEvents(Step):
    """What an indexer says."""

    def __init__(self, indexer: Indexer) -> None:
        self._indexer = indexer

    async def __call__(self) -> None:
        await self._indexer.step()


class UseOfTheProduct(Step):
    """What clients tell, a batch at a time."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def __call__(self) -> None:
        await self._clients.step()


class Published(Step):
    """Messages published straight onto the service's input stream."""

    def __init__(self, traffic: Traffic) -> None:
        self._client, self._number = traffic.client, 0

    async def __call__(self) -> None:
        self._number += 1
        await publish_surely(self._client, self.message(self._number))

    def message(self, number: int) -> Message:
        """The next one."""
        raise NotImplementedError


class VenueEvents(Published):
    """What the ingestor's feed would publish."""

    def message(self, number: int) -> Message:
        return venue_quote(number, 618_000 + number % 7)[number % 2]


class Alerts(Published):
    """What risk would publish."""

    def message(self, number: int) -> Message:
        line = AlertInput(
            market=MARKET, lots=5, mark_ticks=618_000, value="309.000000", quote="-309.000000",
            maintenance_margin="1.545000",
        )  # fmt: skip
        return RiskAlertRaised(
            id=f"risk-risk-{number}", seq=number, occurred_at=time.time_ns() // 1000, source="risk",
            account=f"acct-{number % 5}", account_seq=(number - 1) // 5 + 1, level="watch", previous_level=None,
            health_factor="1.400000", equity="2.163000", maintenance_margin="1.545000", cash="2.163000",
            unsettled_funding="0.000000", inputs=(line,), cause_id="x",
        )  # fmt: skip


async def _crash_everywhere(installed: Installation, service: str, step: Step) -> None:
    async with _flowing(step):
        for point in CRASH_POINTS:
            running = installed.spawn(service, {"CLEARTIDE_CRASH_AT": f"{point}:3"})
            code = await asyncio.wait_for(asyncio.to_thread(running.process.wait), 90)
            assert code == -9, f"{service} did not reach {point}: {running.log.read_text()[-3000:]}"
        await installed.start(service)
        await asyncio.sleep(0.3)


@pytest.mark.parametrize("service", ["matching", *FOLLOWERS])
async def test_a_crash_at_any_point_loses_and_doubles_nothing(installed: Installation, service: str) -> None:
    """RUN-CRASH-001."""
    async with installed.client() as client:
        traffic = Traffic(client, seed=11)
        if service != "matching":
            await installed.start("matching")
        await traffic.open_market()
        await _crash_everywhere(installed, service, Commands(traffic))
        await installed.settled(("matching", service))
        installed.stop_services()
        await assert_gapless(client, "EVENTS", "RISK", "FUNDING", "EARNINGS", "ANALYTICS")
    for name in {"matching", service}:
        assert (await rebuild(installed.ops, name)).position == await installed.position(name)
    applied = await installed.fetch("matching", "SELECT outside_trade_id FROM trades WHERE outside_trade_id <> ''")
    assert sorted(row[0] for row in applied) == sorted(traffic.trade_ids)
    assert await installed.fetch("matching", "SELECT 1 FROM own_vault_moves LIMIT 1"), "nobody came to a vault"


async def test_a_crash_of_the_ingestor_loses_and_doubles_nothing(installed: Installation) -> None:
    """RUN-CRASH-002."""
    async with installed.client() as client:
        await _crash_everywhere(installed, "ingestor", VenueEvents(Traffic(client)))
        installed.stop_services()
        await installed.start("ingestor")
        await installed.settled(("ingestor",))
        installed.stop_services()
    assert (await rebuild(installed.ops, "ingestor")).position == await installed.position("ingestor")
    priced = await installed.fetch("ingestor", "SELECT count(*) FROM index_prices WHERE price IS NOT NULL")
    assert priced[0][0] > 0, "no index was made of these prices"


async def test_a_crash_of_the_gateway_loses_and_doubles_nothing(installed: Installation) -> None:
    """RUN-CRASH-003."""
    async with installed.client() as client:
        await _crash_everywhere(installed, "gateway", Alerts(Traffic(client)))
        await installed.settled(("gateway",))
        installed.stop_services()
        await assert_gapless(client, "RISK")
    assert (await rebuild(installed.ops, "gateway")).position == await installed.position("gateway")


async def test_a_crash_of_the_vaults_loses_and_doubles_nothing(installed: Installation) -> None:
    """RUN-CRASH-004."""
    async with installed.client() as client:
        await _crash_everywhere(installed, "vaults", ChainEvents(Indexer(client, seed=11)))
        await installed.settled(("vaults",))
        installed.stop_services()
        await assert_gapless(client, "VAULTS")
    assert (await rebuild(installed.ops, "vaults")).position == await installed.position("vaults")


async def test_a_crash_of_the_product_service_loses_and_doubles_nothing(installed: Installation) -> None:
    """RUN-CRASH-005."""
    async with installed.client() as client:
        await _crash_everywhere(installed, "product", UseOfTheProduct(Clients(client, seed=11)))
        await installed.settled(("product",))
        installed.stop_services()
    assert (await rebuild(installed.ops, "product")).position == await installed.position("product")
