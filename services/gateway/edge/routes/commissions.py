"""What events on chains brought in, over all owners: for those who read for the venue, from vaults."""

from typing import Annotated, Any, Literal

from cleartide.answers.earnings import Commissions, CommissionSums
from fastapi import APIRouter, Query
from starlette.responses import Response

from services.gateway.edge.context import LONG_MS, Edge
from services.gateway.edge.files import Form, file_of
from services.gateway.edge.paging import MOST_ROWS, listed
from services.gateway.edge.routes.earnings import Asset, Instant, Name

Limit = Annotated[int, Query(ge=1, le=MOST_ROWS)]
Vault = Annotated[str | None, Query(min_length=1, max_length=64)]
By = Annotated[Literal["asset", "vault", "owner", "day"], Query(description="beside protocol, asset and kind of event")]


def commissions_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/vaults about fees."""
    router = APIRouter(prefix="/api/v1/vaults", tags=["earnings"])
    ask = edge.upstream.ask

    @router.get(
        "/commissions", summary="Every fee that events on chains brought in, newest first", response_model=Commissions
    )
    async def commissions(
        protocol: Name = None,
        asset: Asset = None,
        vault: Vault = None,
        before: Instant = None,
        limit: Limit = 50,
        form: Form = "json",
    ) -> Response:
        asked = {"protocol": protocol, "asset": asset, "vault": vault, "before": before, "limit": limit}
        told = listed("commissions", "place", limit, ask, "vaults", "commissions", asked)
        if form != "json":
            return await file_of("commissions", form, (await told())["commissions"])
        return await edge.answer(("commissions", *asked.values()), LONG_MS, told)

    @router.get(
        "/commissions/sums",
        summary="Fees of all owners by asset, vault, owner or UTC day",
        response_model=CommissionSums,
    )
    async def sums(
        by: By = "asset",
        start: Instant = None,
        end: Instant = None,
        protocol: Name = None,
        asset: Asset = None,
        form: Form = "json",
    ) -> Response:
        asked: dict[str, Any] = {"by": by, "from": start, "to": end, "protocol": protocol, "asset": asset}
        if form != "json":
            found = await ask("vaults", "commission_sums", **asked)
            return await file_of(f"commissions-by-{by}", form, found["sums"])
        return await edge.answer(
            ("commission_sums", *asked.values()), LONG_MS, lambda: ask("vaults", "commission_sums", **asked)
        )

    return router
