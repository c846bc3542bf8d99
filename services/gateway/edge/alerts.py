"""Alerts for the public: the feed's rows with sizes and prices as decimals."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import asyncpg
import msgspec
from cleartide.answers.shapes import AlertInputView, AlertView

from services.gateway import queries
from services.gateway.edge.convert import in_decimals
from services.gateway.edge.errors import ApiError
from services.gateway.edge.markets import MarketDirectory
from services.gateway.live.alerts import Alert
from services.gateway.queries import AlertRow, Sought

REFRESH_SECONDS: Final = 0.25


class AlertHistory:
    """The feed table, as live clients read it."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def after(self, seq: int, account: str | None, limit: int) -> list[AlertRow]:
        """Alerts beyond `seq`, oldest first."""
        return await self.following(seq, Sought(account), limit)

    async def latest(self, account: str | None, limit: int) -> list[AlertRow]:
        """The newest alerts, oldest first."""
        return await self.preceding(None, Sought(account), limit)

    async def following(self, seq: int, sought: Sought, limit: int) -> list[AlertRow]:
        """Those of the sought ones beyond `seq`, oldest first."""
        return await queries.alerts_after(self._pool, seq, sought, limit)

    async def preceding(self, seq: int | None, sought: Sought, limit: int) -> list[AlertRow]:
        """The newest of the sought ones, or of those before `seq`; oldest first."""
        return await queries.alerts_before(self._pool, seq, sought, limit)

    async def head(self) -> int:
        """The greatest `seq`."""
        return await queries.feed_head(self._pool)


class AlertPresenter:
    """Turns rows into their public form."""

    def __init__(self, directory: MarketDirectory) -> None:
        self._directory = directory

    async def __call__(self, rows: Sequence[AlertRow]) -> list[Alert]:
        """Rows encoded for clients, in order."""
        views = await self.views(rows)
        return [Alert(row.seq, row.account, msgspec.json.encode(view)) for row, view in zip(rows, views, strict=True)]

    async def views(self, rows: Sequence[AlertRow]) -> list[AlertView]:
        """Rows as objects, in order."""
        events = [msgspec.json.decode(row.payload) for row in rows]
        await self._know_markets(events)
        return [self._view(row.seq, event) for row, event in zip(rows, events, strict=True)]

    async def answered(self, alerts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Alerts of risk's own list, which has their answers, in decimals."""
        await self._know_markets(alerts)
        return [{**in_decimals(one), "inputs": [self._input(position) for position in one["inputs"]]} for one in alerts]

    async def _know_markets(self, alerts: Sequence[dict[str, Any]]) -> None:
        markets = {position["market"] for alert in alerts for position in alert["inputs"]}
        if any(self._directory.known(market) is None for market in markets):
            # An alert is not held back for a unit: without it size and mark are null, the money figures stand.
            with suppress(ApiError, TimeoutError):
                async with asyncio.timeout(REFRESH_SECONDS):
                    await self._directory.refresh()

    def _view(self, seq: int, event: dict[str, Any]) -> AlertView:
        return AlertView(
            seq=seq,
            id=event["id"],
            at=event["occurred_at"],
            account=event["account"],
            account_seq=event["account_seq"],
            level=event["level"],
            previous_level=event["previous_level"],
            health_factor=event["health_factor"],
            equity=event["equity"],
            maintenance_margin=event["maintenance_margin"],
            cash=event["cash"],
            unsettled_funding=event["unsettled_funding"],
            inputs=[self._input(position) for position in event["inputs"]],
            cause_id=event["cause_id"],
            kind="rule" if "rule" in event else event.get("kind", "health"),
            market=event.get("market"),
            value=event.get("value"),
            threshold=event.get("threshold"),
            formula=event.get("condition", event.get("formula", "")),
            rule=event.get("rule"),
            figures=event.get("figures", []),
        )

    def _input(self, position: dict[str, Any]) -> AlertInputView:
        grid = self._directory.known(position["market"])
        return AlertInputView(
            market=position["market"],
            size=grid.size_text(position["lots"]) if grid else None,
            mark=grid.price_text(position["mark_ticks"]) if grid else None,
            value=position["value"],
            quote=position["quote"],
            maintenance_margin=position["maintenance_margin"],
        )
