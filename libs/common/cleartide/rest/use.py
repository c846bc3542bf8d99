"""How the product is used, by all and by who asks, and what may be recorded.

Written by `make client` from the API's document: do not edit.
"""

from collections.abc import Sequence
from typing import Any, Literal, overload

from cleartide.answers.product import OwnUse, PlatformUse, Privacy, Taken
from cleartide.rest.transport import Transport


class UseOperations:
    """How the product is used, by all and by who asks, and what may be recorded."""

    _transport: Transport

    async def tell_product_events(self, *, events: Sequence[Any], once: str | None = None) -> Taken:
        """Events of my client; every good one is taken, every bad one answered."""
        told: Taken = await self._transport.ask("POST", "/api/v1/product/events", body={"events": events}, once=once)
        return told

    @overload
    async def product_platform(
        self,
        *,
        days: Literal["7", "30", "90"] | None = None,
        format: Literal["json"] | None = None,
        table: Literal["days", "totals", "pages", "features", "actions", "devices", "journeys", "errors", "metrics"]
        | None = None,
        after: int | None = None,
    ) -> PlatformUse: ...

    @overload
    async def product_platform(
        self,
        *,
        days: Literal["7", "30", "90"] | None = None,
        format: Literal["csv", "parquet"],
        table: Literal["days", "totals", "pages", "features", "actions", "devices", "journeys", "errors", "metrics"]
        | None = None,
        after: int | None = None,
    ) -> str | bytes: ...

    async def product_platform(
        self,
        *,
        days: Literal["7", "30", "90"] | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        table: Literal["days", "totals", "pages", "features", "actions", "devices", "journeys", "errors", "metrics"]
        | None = None,
        after: int | None = None,
    ) -> PlatformUse | str | bytes:
        """How the product is used: the last 7, 30 or 90 days; each part as a file."""
        told: PlatformUse | str | bytes = await self._transport.ask(
            "GET", "/api/v1/product/platform", {"days": days, "format": format, "table": table}, after=after
        )
        return told

    @overload
    async def my_product(
        self,
        *,
        days: Literal["7", "30", "90"] | None = None,
        format: Literal["json"] | None = None,
        table: Literal["days", "totals", "used", "visits"] | None = None,
    ) -> OwnUse: ...

    @overload
    async def my_product(
        self,
        *,
        days: Literal["7", "30", "90"] | None = None,
        format: Literal["csv", "parquet"],
        table: Literal["days", "totals", "used", "visits"] | None = None,
    ) -> str | bytes: ...

    async def my_product(
        self,
        *,
        days: Literal["7", "30", "90"] | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        table: Literal["days", "totals", "used", "visits"] | None = None,
    ) -> OwnUse | str | bytes:
        """What was recorded of my use: the last 7, 30 or 90 days; each part as a file."""
        told: OwnUse | str | bytes = await self._transport.ask(
            "GET", "/api/v1/me/product", {"days": days, "format": format, "table": table}
        )
        return told

    async def my_privacy(self) -> Privacy:
        """Whether my use is recorded."""
        told: Privacy = await self._transport.ask("GET", "/api/v1/me/privacy")
        return told

    async def set_recording(self, *, recording: bool, once: str | None = None) -> Privacy:
        """Switch the recording of my use on or off."""
        told: Privacy = await self._transport.ask("PUT", "/api/v1/me/privacy", body={"recording": recording}, once=once)
        return told

    async def erase_recorded(self, *, once: str | None = None) -> Privacy:
        """Delete all that was recorded of my use."""
        told: Privacy = await self._transport.ask("DELETE", "/api/v1/me/privacy/recorded", once=once)
        return told
