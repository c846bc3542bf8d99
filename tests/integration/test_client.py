"""What a third party gets from `cleartide.client`, with the users made for third parties."""

import asyncio
import re
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from cleartide.bus.confirm import confirm
from cleartide.cli.__main__ import main
from cleartide.client import Client, PublishError, QueryRefused
from cleartide.client_orders import OrderOptions
from cleartide.client_sealed import CommitmentLost
from cleartide.contracts import (
    AlertInput,
    AmendInstruction,
    BatchTerms,
    CancelInstruction,
    ListMarket,
    PlaceInstruction,
    RiskAlertRaised,
    UpdateIndexPrice,
)

from deploy.local.sandbox.market import MARKET, SPEC
from tests.support.installation import Installation
from tests.support.running import until
from tests.support.streams import events_of
from tests.support.traffic import publish_surely

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorials" / "sealed-orders-and-auctions.md"


def _url(installed: Installation, user: str) -> str:
    return f"nats://{user}:nats-{user}@{installed.nats.url.split('://', 1)[1]}"


def _index(market: str) -> UpdateIndexPrice:
    return UpdateIndexPrice(id=uuid.uuid4().hex, occurred_at=0, source="desk", market=market, price="61800", sources=())


def _alert(number: int) -> RiskAlertRaised:
    line = AlertInput(
        market=MARKET,
        lots=5,
        mark_ticks=618_000,
        value="309.000000",
        quote="-309.000000",
        maintenance_margin="1.545000",
    )
    return RiskAlertRaised(
        id=f"risk-risk-{number}", seq=number, occurred_at=time.time_ns() // 1000, source="risk", account="alice",
        account_seq=number, level="watch", previous_level=None, health_factor="1.400000", equity="2.163000",
        maintenance_margin="1.545000", cash="2.163000", unsettled_funding="0.000000", inputs=(line,), cause_id="x",
    )  # fmt: skip


async def _take(client: Client, after: int | None, count: int) -> list[int]:
    seen: list[int] = []
    async with asyncio.timeout(60):
        async for alert in client.alerts(after):
            seen.append(alert.seq)
            if len(seen) == count:
                break
    return seen


async def test_alerts_resume_where_the_reader_stopped(installed: Installation) -> None:
    """SYS-CLIENT-001."""
    async with installed.client() as risk, Client.connect(_url(installed, "viewer")) as viewer:
        for number in range(1, 601):
            await publish_surely(risk, _alert(number))
        assert await _take(viewer, 0, 600) == list(range(1, 601))
        assert await _take(viewer, 595, 5) == [596, 597, 598, 599, 600]
        live = asyncio.create_task(_take(viewer, 600, 3))
        await asyncio.sleep(0.1)
        for number in (601, 602, 603):
            await publish_surely(risk, _alert(number))
        assert await live == [601, 602, 603]


async def _heard_again(viewer: Client) -> None:
    """The reader is connected anew, with its subscriptions."""
    connection = viewer._connection
    await until(lambda: connection.stats["reconnects"] > 0 and connection.is_connected)
    await confirm(connection)


async def test_alerts_survive_a_restart_of_the_server(installed: Installation) -> None:
    """SYS-CLIENT-002."""
    async with installed.client() as risk, Client.connect(_url(installed, "viewer")) as viewer:
        await publish_surely(risk, _alert(1))
        following = asyncio.create_task(_take(viewer, 0, 4))
        await asyncio.sleep(0.2)
        await installed.nats.kill()
        await installed.nats.start()
        # While the viewer reconnects, these are lost to plain subscribers; the next one reveals the hole.
        for number in (2, 3):
            await publish_surely(risk, _alert(number))
        await _heard_again(viewer)
        await publish_surely(risk, _alert(4))
        assert await following == [1, 2, 3, 4]


async def test_a_trade_sent_twice_is_stored_once(installed: Installation) -> None:
    """SYS-CLIENT-003."""
    async with Client.connect(_url(installed, "trader"), source="my-engine") as client:
        first = await client.publish_trade(market=MARKET, trade_id="t-1", price="61800.0", size="0.010", buyer="alice")
        again = await client.publish_trade(market=MARKET, trade_id="t-1", price="61800.0", size="0.010", buyer="alice")
    assert not first.duplicate
    assert again.duplicate
    assert again.stream_seq == first.stream_seq


async def test_a_reader_of_a_book_has_it_whole_after_a_loss(installed: Installation) -> None:
    """SYS-CLIENT-006."""
    await installed.start("matching")
    async with (
        Client.connect(_url(installed, "trader"), source="trader") as trader,
        Client.connect(_url(installed, "viewer")) as viewer,
        installed.client() as operator,
    ):
        await publish_surely(operator, ListMarket(id="m", occurred_at=0, source="operator", spec=SPEC))
        price = UpdateIndexPrice(id="p", occurred_at=0, source="desk", market=MARKET, price="61800", sources=())
        await publish_surely(operator, price)
        await trader.deposit(account="alice", amount="100000")
        for tick in range(5):
            await trader.place_order(account="alice", market=MARKET, side="buy", size="0.010", price=f"61800.{tick}")
        await installed.settled(["matching"])
        books = viewer.book(MARKET)
        first = await anext(books)
        assert list(first.bids.levels()) == [(618_000 + tick, 10) for tick in (4, 3, 2, 1, 0)]
        await trader.place_order(account="alice", market=MARKET, side="sell", size="0.010", price="61800.4")
        assert (await anext(books)).bids.best == 618_003
        await installed.nats.kill()
        await installed.nats.start()
        # Lost to a plain subscriber who is still reconnecting; the next change reveals the hole.
        for tick in (5, 6):
            await trader.place_order(account="alice", market=MARKET, side="buy", size="0.010", price=f"61800.{tick}")
        await _heard_again(viewer)
        await trader.place_order(account="alice", market=MARKET, side="buy", size="0.010", price="61800.7")
        async with asyncio.timeout(60):
            while (last := await anext(books)).bids.best != 618_007:
                pass
        assert list(last.bids.levels()) == [(618_000 + tick, 10) for tick in (7, 6, 5, 3, 2, 1, 0)]
        with pytest.raises(QueryRefused, match="not_found"):
            await anext(viewer.book("NO-PERP"))


async def test_orders_live_their_whole_life_through_the_client_and_the_command_line(installed: Installation) -> None:
    """SYS-CLIENT-007."""
    await installed.start("matching")
    url = _url(installed, "trader")
    async with Client.connect(url, source="trader") as trader, installed.client() as operator:
        await publish_surely(operator, ListMarket(id="m", occurred_at=0, source="operator", spec=SPEC))
        price = UpdateIndexPrice(id="p", occurred_at=0, source="desk", market=MARKET, price="61800", sources=())
        await publish_surely(operator, price)
        for account in ("alice", "bob"):
            await trader.deposit(account=account, amount="100000")
        mine = {"account": "alice", "market": MARKET}
        iceberg: OrderOptions = {"price": "61900", "display_size": "0.010"}
        await trader.place_order(**mine, side="sell", size="0.050", client_order_id="ice", **iceberg)
        await trader.amend_order(
            account="alice", market=MARKET, client_order_id="ice", price="61850", size="0.040", display_size="0.020"
        )
        batch = (
            PlaceInstruction(
                action="place", client_order_id="b", side="buy", order_type="limit", size="0.01", price="61000"
            ),
            AmendInstruction(action="amend", client_order_id="b", size="0.005"),
            CancelInstruction(action="cancel", client_order_id="b"),
        )
        await trader.submit_orders(**mine, instructions=batch)
        for line in (
            f"order bob {MARKET} buy 0.041 --price 61850 --time-in-force fok --id killed",
            f"order bob {MARKET} buy 0.040 --price 61850 --time-in-force fok --id whole",
            f"order bob {MARKET} buy 0.010 --price 61000 --expires-in 3600 --self-trade decrement --id late",
            f"amend bob {MARKET} late --price 61001 --expires-in 7200",
            f"order bob {MARKET} buy 0.010 --price 60000 --id other",
            f"cancel bob {MARKET} late",
            "cancel bob",
        ):
            assert await asyncio.to_thread(main, ["--url", url, *line.split()]) == 0
        await installed.settled(["matching"])
        told = [
            (order["client_order_id"], order["state"], order["filled"])
            for account in ("alice", "bob")
            for order in await trader.orders(account)
        ]
        assert told == [
            ("b", "canceled", "0.000"),
            ("ice", "filled", "0.040"),
            ("other", "canceled", "0.000"),
            ("late", "canceled", "0.000"),
            ("whole", "filled", "0.040"),
        ]
        (whole,) = await trader.orders("bob", state="filled", client_order_id="whole")
        assert (whole["average_price"], whole["reason"]) == ("61850.000000", "filled")
        with pytest.raises(QueryRefused, match="bad_parameters"):
            await trader.orders("bob", state="lost")
        # What no column can hold is the asker's fault: the read model is there.
        with pytest.raises(QueryRefused, match="bad_parameters"):
            await trader.orders("bob", client_order_id="nothing\0")


async def test_money_moves_through_the_client_and_the_command_line(
    installed: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    """SYS-CLIENT-008."""
    await installed.start("matching")
    url = _url(installed, "trader")
    async with Client.connect(url, source="trader") as trader:
        for line in ("deposit alice 1000", "payout alice 70 0x5aa1", "payout alice 30 0x5aa2"):
            assert await asyncio.to_thread(main, ["--url", url, *line.split()]) == 0
        await installed.settled(["matching"])
        first, second = (await trader.open_transfers("alice"))["withdrawals"]
        assert (first["amount"], first["destination"], first["status"]) == ("70.000000", "0x5aa1", "pending")
        await trader.cancel_withdrawal(account="alice", withdrawal_id=second["withdrawal_id"])
        await installed.settled(["matching"])
        assert [row["kind"] for row in await trader.transfers("alice")] == ["unlocked", "locked", "locked", "deposit"]
        (usdc,) = (await trader.margin("alice"))["assets"]
        assert (usdc["balance"], usdc["locked"]) == ("930.000000", "70.000000")
        assert (await trader.fees("alice"))["volume"] == "0.000000"
        capsys.readouterr()
        assert await asyncio.to_thread(main, ["--url", url, "margin", "alice"]) == 0
        assert '"locked": "70.000000"' in capsys.readouterr().out
        assert await asyncio.to_thread(main, ["--url", url, "fees", "nobody"]) == 1


async def test_conditional_orders_and_accounts_through_the_client(installed: Installation) -> None:
    """SYS-CLIENT-010: a bracket, a group and a trailing stop from the shell, and a delegate who may cancel alone."""
    await installed.start("matching")
    url = _url(installed, "trader")
    async with Client.connect(url, source="trader") as trader, installed.client() as operator:
        await publish_surely(operator, ListMarket(id="m", occurred_at=0, source="operator", spec=SPEC))
        price = UpdateIndexPrice(id="p", occurred_at=0, source="desk", market=MARKET, price="61800", sources=())
        await publish_surely(operator, price)
        for account in ("alice", "bob"):
            await trader.deposit(account=account, amount="100000")
        await trader.open_subaccount(account="alice", name="one", isolated_market=MARKET)
        await trader.set_leverage(account="alice", market=MARKET, leverage=3)
        await trader.grant_delegate(account="alice", delegate="bob", rights=frozenset({"cancel"}))
        for line in (
            f"order bob {MARKET} sell 0.050 --price 61800",
            f"order alice {MARKET} buy 0.010 --price 61800 --take-profit 63000 --stop-loss 61000 --id entry",
            f"order alice {MARKET} sell 0.010 --type stop_limit --trigger-price 60000 --price 59990 --oco g --id s",
            f"order alice {MARKET} sell 0.010 --type trailing_stop --trail-amount 500 --oco g --id t",
            f"amend alice {MARKET} t --trail-amount 700",
            f"amend alice {MARKET} s --trigger-price 60100",
        ):
            assert await asyncio.to_thread(main, ["--url", url, *line.split()]) == 0
        order: OrderOptions = {"price": "61000"}
        await trader.place_order(
            account="alice", market=MARKET, actor="bob", side="buy", size="0.010", client_order_id="refused", **order
        )
        await trader.cancel_order(account="alice", market=MARKET, actor="bob", client_order_id="entry:sl")
        await installed.settled(["matching"])
        told = {order["client_order_id"]: order["state"] for order in await trader.orders("alice")}
        assert told == {
            "entry": "filled", "entry:tp": "armed", "entry:sl": "canceled", "s": "armed", "t": "armed"
        }  # fmt: skip
        waiting = {one["client_order_id"]: one for one in await trader.conditional_orders("alice", market=MARKET)}
        assert (waiting["s"]["trigger_price"], waiting["t"]["trail_amount"]) == ("60100.0", "700.0")
        family = await trader.family("alice")
        assert [one["account"] for one in family["accounts"]] == ["alice", "alice--one"]


async def test_sealed_orders_and_auctions_through_the_client(installed: Installation) -> None:
    """SYS-CLIENT-009: as docs/tutorials/sealed-orders-and-auctions.md says, whose examples run here."""
    tutorial: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", TUTORIAL.read_text(), re.DOTALL):
        exec(block, tutorial)
    await installed.start("matching")
    url = _url(installed, "trader")
    batching = BatchTerms(commit_micros=1_500_000, reveal_micros=60_000_000, bond_quanta=1_000_000)
    async with Client.connect(url, source="trader") as trader, installed.client() as operator:
        sealed_market = SPEC.model_copy(update={"batching": batching, "market": "SEALED-PERP"})
        for number, spec in enumerate((SPEC, sealed_market), start=1):
            await publish_surely(operator, ListMarket(id=f"m{number}", occurred_at=0, source="operator", spec=spec))
            await publish_surely(operator, _index(spec.market))
        for account in ("alice", "bob", "maker"):
            await trader.deposit(account=account, amount="100000")
        terms: OrderOptions = {"price": "61800"}
        where = {"market": "SEALED-PERP", "size": "0.010"}
        hers = await trader.commit_order(account="alice", side="buy", **where, **terms)
        his = await trader.commit_order(account="bob", side="sell", **where, **terms)
        await asyncio.gather(trader.open_order(hers), trader.open_order(his))
        (told,) = await trader.commitments("alice")
        assert (told["digest"], told["revealed"], told["bond_quanta"]) == (hers.digest, True, 1_000_000)
        with pytest.raises(CommitmentLost):
            await trader.open_order(hers._replace(salt="0" * 64), within=0.5)
        await tutorial["buy"](url)
        making = asyncio.create_task(tutorial["make"](trader))
        async with asyncio.timeout(60):
            while not await trader.orders("alice", market=MARKET, state="filled"):
                await tutorial["take"](trader)  # again, where the maker did not listen yet
                await installed.settled(["matching"])
                while await trader.running_auctions(MARKET):
                    await publish_surely(operator, _index(MARKET))  # time passes with messages
                    await asyncio.sleep(0.05)
        making.cancel()
        (filled,) = await trader.orders("alice", market=MARKET, state="filled")
        assert filled["average_price"] == "61810.000000"


async def test_commands_given_at_once_are_applied_once_though_the_broker_is_killed(installed: Installation) -> None:
    """SYS-CLIENT-011: of many tasks with one client, every deposit that has a receipt is on the account, and once."""
    await installed.start("matching")
    receipts: list[int] = []
    refused = 0

    async def pay(client: Client, name: int) -> None:
        nonlocal refused
        for number in range(30):
            try:
                receipt = await client.deposit(account="alice", amount="1", transfer_id=f"{name}-{number}")
            except PublishError:
                refused += 1
            else:
                receipts.append(receipt.stream_seq)

    async with Client.connect(_url(installed, "trader"), source="trader") as trader:
        paying = [asyncio.create_task(pay(trader, name)) for name in range(20)]
        for share in (50, 250):
            await until(lambda share=share: len(receipts) >= share)  # type: ignore[misc]
            await installed.nats.kill()
            await installed.nats.start()
        await asyncio.gather(*paying)
        await installed.settled(["matching"])
        (usdc,) = (await trader.margin("alice"))["assets"]
    assert len(set(receipts)) == len(receipts) == 600 - refused
    assert len(receipts) <= float(usdc["balance"]) <= 600


async def test_a_viewer_cannot_trade(installed: Installation) -> None:
    """SYS-CLIENT-004."""
    async with Client.connect(_url(installed, "viewer"), publish_timeout=0.3) as viewer:
        with pytest.raises(PublishError):
            await viewer.deposit(account="alice", amount="1")
    async with installed.client() as client:
        assert [command async for command in events_of(client, "COMMANDS")] == []


async def test_a_bad_amount_is_refused_before_it_is_sent(installed: Installation) -> None:
    """SYS-CLIENT-005."""
    async with Client.connect(_url(installed, "trader")) as client:
        with pytest.raises(ValueError, match="amount"):
            await client.deposit(account="alice", amount="-5")
