"""`cleartide demo crash`: simulated venues' prices fall, and what the system makes of it is told as it happens."""

import argparse
import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from nats.aio.client import Client
from nats.aio.msg import Msg

from cleartide.bus.confirm import confirm
from cleartide.money import Grid, quanta_to_text
from cleartide.ops.chain import events_of
from cleartide.ops.demo.hand import DemoError, Hand
from cleartide.ops.demo.invariants import Invariants, audited
from cleartide.ops.demo.tally import Tally
from cleartide.ops.place import Place, find_place

OPERATOR: Final = "operator"
ANSWER_SECONDS: Final = 5.0
LINE_SECONDS: Final = 2.0
QUIET_SECONDS: Final = 3.0
"""After the fall, with the market trading: so long must nobody have been told to wait for his liquidation."""
REST_SECONDS: Final = 60
MOST_SECONDS: Final = 300.0
"""After the end of the fall: a pause, a grace, and more than that is not waited for."""
LOOK_SECONDS: Final = 0.5
CENT: Final = Decimal("0.01")


async def crash(arguments: argparse.Namespace) -> int:
    """Let a market crash. Returns 1 where the books do not add up at the end."""
    ppm, seconds = share_ppm(arguments.drop), arguments.over
    place = find_place()
    hand = Hand.on(place)
    async with place.bus(OPERATOR) as client:
        market = chosen(await _ask(client, "matching.markets"), arguments.market)
        sources = await _ask(client, "ingestor.index", market=market["market"])
        recorded = await hand.recorded(market["market"], sources[0]["sources"] if sources else ())
        show = Show(client, place, market)
        await show.listen()
        await hand.fall(recorded, ppm, seconds, REST_SECONDS)
        show.head()
        await show.until_over(seconds)
        return await show.summary()


def share_ppm(text: str) -> int:
    """A drop such as 12% or 12.5 in millionths. Raises DemoError for anything else."""
    digits = text.removesuffix("%").strip()
    if not digits.replace(".", "", 1).isdecimal():
        raise DemoError(f"--drop {text}: give per cent, such as 12%")
    ppm = Decimal(digits) * 10_000
    if ppm != int(ppm):
        raise DemoError(f"--drop {text}: give at most four decimals")
    return int(ppm)


def chosen(answer: Mapping[str, Any], wanted: str) -> Mapping[str, Any]:
    """The market by its name, or by its base where that is one market's alone."""
    markets = answer["markets"]
    named = [one for one in markets if one["market"].upper() == wanted.upper()]
    found = named or [one for one in markets if one["base"].upper() == wanted.upper()]
    if len(found) != 1:
        names = ", ".join(one["market"] for one in markets) or "none yet"
        raise DemoError(f"there is no one market {wanted}: choose from {names}")
    return dict(found[0])


async def _ask(client: Client, question: str, **params: Any) -> Any:
    reply = await client.request(f"query.{question}", json.dumps(params).encode(), timeout=ANSWER_SECONDS)
    answer = json.loads(reply.data)
    if not answer["ok"]:
        raise DemoError(f"{question}: {answer['error']['message']}")
    return answer["data"]


@dataclass
class Fund:
    """A market's insurance fund as matching answers: what is in it, and its worth with what it holds."""

    balance: Decimal
    worth: Decimal


class Show:
    """One crash, as it is told."""

    def __init__(self, client: Client, place: Place, market: Mapping[str, Any]) -> None:
        self._client, self._place, self._market = client, place, market
        self._tally = Tally(str(market["market"]), Grid.of(market["tick_size"], market["lot_size"]))
        self._tally.state = str(market["state"])
        self._before = Decimal(market["index"] or 0)
        self._began = 0.0

    async def listen(self) -> None:
        """Hear everything from here on."""
        if self._tally.state != "trading":
            raise DemoError(f"{self._tally.market} is {self._tally.state}: wait until it trades again")
        self._fund = await self._funds()
        self._began = time.monotonic()
        await self._client.subscribe("trading.>", cb=self._on_event)
        await self._client.subscribe("risk.alerts.>", cb=self._on_alert)
        await confirm(self._client)

    def head(self) -> None:
        """Say how things stand, and what the columns are."""
        print(f"{self._tally.market} stands at {self._before:,}; the insurance fund has {_money(self._fund.balance)}")
        print(f"{'seconds':>8} {'index':>11} {'':>8} {'mark':>11}  alerts  liquidations  bankrupt  deleveraged  state")

    async def until_over(self, seconds: int) -> None:
        """Until the fall is over, the market trades, and nobody waits for his liquidation any more."""
        over, next_line = self._began + seconds, self._began
        while (now := time.monotonic()) < over + MOST_SECONDS:
            if now >= next_line:
                next_line = now + LINE_SECONDS
                self._line()
            calm = self._tally.state == "trading" and not self._tally.waits_since(now - QUIET_SECONDS)
            if now > over + QUIET_SECONDS and calm:
                return
            await asyncio.sleep(LOOK_SECONDS)
        print("still not calm; what follows is how it stands now")

    async def summary(self) -> int:
        """Say what became of it; the invariants as the system answers them."""
        for line in self._figures(await self._funds()):
            print(line)
        invariants = await self._invariants()
        invariants.show()
        return 0 if invariants.hold else 1

    def _figures(self, fund: Fund) -> Iterator[str]:
        tally, grid, before = self._tally, self._tally.grid, self._fund
        now, low = (Decimal(grid.price_text(ticks)) for ticks in (tally.index, tally.low))
        closed, taken, deleveraged = (grid.size_text(lots) for lots in (tally.closed, tally.taken, tally.given_up))
        yield f"\nPrice           {self._before:,} -> {now:,} ({_change(now, self._before)}), lowest {low:,}"
        yield f"Alerts          {tally.alerts}"
        yield (
            f"Liquidations    {tally.liquidations} steps of {len(tally.liquidated)} accounts, "
            f"{len(tally.bankrupt)} of them bankrupt; {self._market['base']}: {closed} closed in the book, "
            f"{taken} taken by the fund, {deleveraged} deleveraged"
        )
        yield (
            f"Insurance fund  {_money(before.balance)} -> {_money(fund.balance)}: received {_quanta(tally.received)}, "
            f"paid {_quanta(tally.paid)}; with what it holds {_money(before.worth)} -> {_money(fund.worth)}"
        )
        yield f"Deleveraged     {tally.deleveraged} positions (ADL), {tally.shared_losses} shared losses"

    async def _invariants(self) -> Invariants:
        """By a look of the auditor that began after all this."""
        health = self._place.health["matching"]
        looks = (await audited(health)).looks
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if (seen := await audited(health)).looks >= looks + 2:
                return Invariants(await _ask(self._client, "matching.conservation"), seen)

    async def _funds(self) -> Fund:
        funds = (await _ask(self._client, "matching.insurance"))["funds"]
        mine = next(one for one in funds if one["market"] == self._market["market"])
        return Fund(Decimal(mine["balance"]), Decimal(mine["worth"]))

    async def _on_event(self, message: Msg) -> None:
        now = time.monotonic()
        for event in events_of(message.data):
            if said := self._tally.take(event, now):
                print(f"{now - self._began:8.1f} {said}", flush=True)

    async def _on_alert(self, message: Msg) -> None:
        for alert in events_of(message.data):
            self._tally.warn(alert)

    def _line(self) -> None:
        tally = self._tally
        if not tally.index:
            return
        index, mark = (Decimal(tally.grid.price_text(ticks)) for ticks in (tally.index, tally.mark))
        figures = f"{tally.alerts:7} {tally.liquidations:13} {len(tally.bankrupt):9} {tally.deleveraged:12}"
        seconds = time.monotonic() - self._began
        print(
            f"{seconds:8.1f} {index:11,} {_change(index, self._before):>8} {mark:11,} {figures}  {tally.state}",
            flush=True,
        )


def _change(now: Decimal, before: Decimal) -> str:
    return f"{(now / before - 1) * 100:+.1f} %" if before else "-"


def _quanta(amount: int) -> str:
    return _money(Decimal(quanta_to_text(amount)))


def _money(amount: Decimal) -> str:
    return f"{amount.quantize(CENT):,}"
