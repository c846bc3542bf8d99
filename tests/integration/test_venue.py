"""The operator's commands through real servers: the whole file of markets, the switches, and the record of it all."""

import argparse

import pytest
from cleartide.admin import Admin, AdminRefused
from cleartide.client import Client, PublishError
from cleartide.contracts import HaltMarket, ListMarket
from cleartide.contracts.vaults import CreateVault
from cleartide.ops import vaults, venue
from cleartide.ops.catalogue import read_catalogue

from deploy.local.markets import MARKETS
from deploy.local.sandbox.market import INSURANCE
from deploy.local.sandbox.opening import open_markets
from deploy.local.sandbox.population import MAKER_DEPOSIT, makers
from tests.support.installation import ROOT, Installation
from tests.support.traffic import Traffic

FILE = ROOT / "deploy" / "venues" / "quantdesk.toml"


def _url(installed: Installation, user: str) -> str:
    return f"nats://{user}:nats-{user}@{installed.nats.url.split('://', 1)[1]}"


class Desk:
    """`python -m cleartide.ops ...` without a process of its own."""

    def __init__(self, installed: Installation, capsys: pytest.CaptureFixture[str]) -> None:
        self._installed, self._capsys = installed, capsys
        self._parser = argparse.ArgumentParser()
        commands = self._parser.add_subparsers(dest="command")
        venue.add_parsers(commands)
        vaults.add_parser(commands)

    async def run(self, line: str) -> list[str]:
        """The lines that a command prints."""
        self._capsys.readouterr()
        await venue.run(self._installed.ops, self._parser.parse_args(line.split()))
        return self._capsys.readouterr().out.splitlines()


async def test_the_operator_runs_a_venue(installed: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    """SYS-VENUE-001: 41 markets, tiers and limits from one file; halting, switching, and who did it."""
    await installed.start("matching")
    desk = Desk(installed, capsys)
    names = [spec.market for spec in read_catalogue(FILE).markets]
    assert len(names) == 41
    assert await desk.run(f"market list {FILE}") == [f"{name}: listed" for name in names]
    again = await desk.run(f"market list {FILE} BTC-PERP")
    assert again == ["BTC-PERP: refused, market_exists: BTC-PERP"]
    assert await desk.run(f"market change {FILE} ETH-PERP") == ["ETH-PERP: refused, nothing_changed: ETH-PERP"]
    shown = await desk.run("market show")
    assert len(shown) == 41 and all(" trading, " in line for line in shown)
    applied = await desk.run(f"venue apply {FILE} --by ann")
    assert applied[0] == "tier standard: tier - -> standard, per_minute - -> 10, per_hour - -> 100, per_day - -> 1000"
    assert applied[1] == "tier maker: tier - -> maker"
    assert applied[-2:] == ["fees: 4 tiers by volume", "referrals: refused, nothing_changed: referrals"]
    assert await desk.run("market halt BTC-PERP SOL-PERP --by ann@desk --note drill") == [
        "BTC-PERP: trading -> halted",
        "SOL-PERP: trading -> halted",
    ]
    assert await desk.run("market resume BTC-PERP") == ["BTC-PERP: halted -> trading"]
    assert await desk.run("venue switch kill_switch on --by ann") == ["kill_switch: kill_switch off -> on"]
    assert (await desk.run("venue mode live"))[0].startswith("mode: refused, unhealthy")
    assert (await desk.run("venue show"))[0] == "mode demo, kill switch on, maintenance off"
    assert await desk.run("venue account bob --tier maker") == ["bob: tier standard -> maker"]
    assert await desk.run("market delist COPE-PERP --notice 0") == ["COPE-PERP: trading -> delisting"]
    history = await desk.run("venue history --scope market:SOL-PERP")
    assert history[0].endswith("operator/ann@desk: market:SOL-PERP state trading -> halted (drill)")
    assert history[-1].endswith("operator: market:SOL-PERP state - -> trading")
    assert await desk.run("venue attempts") == []


async def test_the_operator_halts_vaults_and_opens_their_farms(
    installed: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """SYS-VENUE-003"""
    await installed.start("matching")
    desk = Desk(installed, capsys)
    async with installed.client() as client:
        traffic = Traffic(client, seed=1, accounts=("mia",))
        await traffic.open_market()
        await traffic.send(CreateVault(id="v-1", source="mia", occurred_at=1, account="mia", vault="calm"))
        await installed.settled(["matching"])
    assert await desk.run("vault show") == [f"{'calm':24} active, 0.000000 of 0 holders"]
    assert await desk.run("vault halt calm other") == ["calm: halted", "other: refused, unknown_vault: other"]
    assert await desk.run("vault halt calm") == ["calm: refused, nothing_changed: calm"]
    assert await desk.run("vault resume calm --by ann --note checked") == ["calm: active"]
    told = ["calm: farm, of whose rewards the platform keeps 2000 bps"]
    assert await desk.run("vault farm calm --platform-fee-bps 2000") == told
    assert await desk.run("vault farm calm") == ["calm: refused, farm_exists: calm"]
    assert await desk.run("vault show calm") == [f"{'calm':24} active, 0.000000 of 0 holders, farm at 2000 bps"]


async def test_the_sandbox_opens_a_vault_whose_money_is_at_work(installed: Installation) -> None:
    """VLT-SANDBOX-003: three have paid in, and a second start opens nothing anew."""
    await installed.start("matching")
    async with installed.client() as operator, Client.connect(_url(installed, "trader"), source="sandbox") as trader:
        for _ in range(2):
            await open_markets(operator, trader)
            await installed.settled(["matching"])
        [vault] = await Client(operator, "operator").own_vaults()
    figures = [vault[name] for name in ("vault", "state", "holders", "assets", "reserve", "allocated")]
    assert figures == ["tide", "active", 3, "10000.000000", "4000.000000", "6000.000000"]


async def test_the_sandbox_opens_each_market_once(installed: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """DEP-MARKETS-001: where an earlier start knew of one market alone, the next one opens those that are missing."""
    await installed.start("matching")
    funded = "SELECT account, balance_quanta FROM ledger_balances WHERE account LIKE ANY ($1)"
    async with installed.client() as operator, Client.connect(_url(installed, "trader"), source="sandbox") as trader:
        for known in (MARKETS[:1], MARKETS, MARKETS):
            monkeypatch.setattr("deploy.local.sandbox.opening.MARKETS", known)
            await open_markets(operator, trader)
            await installed.settled(["matching"])
            rows = await installed.fetch("matching", funded, ["insurance:%", "%:mm-%"])
            wanted = {f"insurance:{market.name}": INSURANCE for market in known} | {
                f"cash:{maker}": MAKER_DEPOSIT for market in known for maker in makers(market)
            }
            balances = {row["account"]: row["balance_quanta"] for row in rows}
            assert balances == {account: int(amount) * 10**6 for account, amount in wanted.items()}


async def test_nobody_but_the_operator_runs_it(installed: Installation) -> None:
    """SYS-VENUE-002: the server stores no command on `admin.>` from anybody else; an unknown market is refused."""
    spec = read_catalogue(FILE).markets[0]
    await installed.start("matching")
    async with Client.connect(_url(installed, "trader"), publish_timeout=0.2) as trader:
        with pytest.raises(PublishError):
            await trader.publish(ListMarket(id="mine", source="operator", occurred_at=1, spec=spec))
    async with Admin.connect(_url(installed, "operator")) as admin:
        with pytest.raises(AdminRefused, match="unknown_market"):
            await admin.command(HaltMarket, market="BTC-PERP")
