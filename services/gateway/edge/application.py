"""The ASGI application: routes, error form, guards, and the dashboard's files."""

from functools import cache
from typing import Any

import msgspec
from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from services.gateway.edge.adapters import share_adapters
from services.gateway.edge.after import asked_place
from services.gateway.edge.context import Edge
from services.gateway.edge.dispatch import Dispatch
from services.gateway.edge.door import Door
from services.gateway.edge.errors import install_error_handlers
from services.gateway.edge.guards import RateLimited
from services.gateway.edge.near import Near
from services.gateway.edge.observed import Observed
from services.gateway.edge.pages import STATIC, Pages
from services.gateway.edge.quick import Quick
from services.gateway.edge.reference.document import documented
from services.gateway.edge.reference.page import page
from services.gateway.edge.routes.accounts import accounts_router
from services.gateway.edge.routes.administration import administration_router
from services.gateway.edge.routes.alerts import alerts_router
from services.gateway.edge.routes.analytics import analytics_router
from services.gateway.edge.routes.auth import auth_router
from services.gateway.edge.routes.commissions import commissions_router
from services.gateway.edge.routes.competing import competing_router
from services.gateway.edge.routes.earnings import earnings_router
from services.gateway.edge.routes.families import families_router
from services.gateway.edge.routes.keepers import keepers_router
from services.gateway.edge.routes.keys import keys_router
from services.gateway.edge.routes.liquidity import liquidity_router
from services.gateway.edge.routes.markets import markets_router
from services.gateway.edge.routes.money import money_router
from services.gateway.edge.routes.notices import notices_router
from services.gateway.edge.routes.operations import operations_router
from services.gateway.edge.routes.orders import orders_router
from services.gateway.edge.routes.own_vaults import own_vaults_router
from services.gateway.edge.routes.people import people_router
from services.gateway.edge.routes.product import product_router
from services.gateway.edge.routes.risk import risk_router
from services.gateway.edge.routes.rules import rules_router
from services.gateway.edge.routes.solvency import solvency_router
from services.gateway.edge.routes.statistics import statistics_router
from services.gateway.edge.routes.system import system_router
from services.gateway.edge.routes.transfers import transfers_router
from services.gateway.edge.routes.usage import usage_router
from services.gateway.edge.routes.wallets import wallets_router
from services.gateway.edge.routes.watching import watching_router


def api(edge: Edge) -> FastAPI:
    """The routes. FastAPI's own pages are left out: they load scripts from elsewhere."""
    share_adapters()
    app = FastAPI(
        title="Cleartide",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(edge.authorise), Depends(asked_place)],
    )
    install_error_handlers(app)
    for routes in (
        system_router,
        markets_router,
        accounts_router,
        orders_router,
        competing_router,
        money_router,
        transfers_router,
        own_vaults_router,
        statistics_router,
        risk_router,
        keepers_router,
        liquidity_router,
        solvency_router,
        alerts_router,
        analytics_router,
        auth_router,
        people_router,
        wallets_router,
        keys_router,
        families_router,
        watching_router,
        earnings_router,
        commissions_router,
        notices_router,
        operations_router,
        administration_router,
        rules_router,
        usage_router,
        product_router,
    ):
        app.include_router(routes(edge))
    _reference(app)
    return app


def _reference(app: FastAPI) -> None:
    """The document and the page, made when first asked for and then kept."""

    @cache
    def document() -> dict[str, Any]:
        return documented(app)

    @cache
    def written() -> bytes:
        return msgspec.json.encode(document())

    @app.get("/api/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return Response(written(), media_type="application/json")

    @app.get("/api/docs", include_in_schema=False)
    async def reference() -> Response:
        return Response(page(document()), media_type="text/html; charset=utf-8")


def application(edge: Edge) -> ASGIApp:
    """The whole edge."""
    app = api(edge)
    app.mount("/", Pages(GZipMiddleware(StaticFiles(directory=STATIC), minimum_size=1_024)))
    door = Door(
        Dispatch(app),
        authentication=edge.identity.authentication,
        quotas=edge.quotas,
        idempotency=edge.identity.idempotency,
        near=Near(edge.freshness, edge.metrics),
        metrics=edge.metrics,
        body_seconds=edge.body_seconds,
    )
    guarded = Observed(RateLimited(door, edge.limiter), edge.metrics, edge.meter)
    return Quick(guarded, edge.limiter, edge.metrics, edge.meter)
