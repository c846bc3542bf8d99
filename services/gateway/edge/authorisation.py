"""Who may ask what: the one place where a route is opened. What is not opened here is closed.

A route that names an account, in its path or as `account`, is open to whoever owns it, to its delegates for reading,
and to those who read for the venue. A route without a line here is for those alone, if it reads, and for nobody else.
"""

from typing import Any, Final

from starlette.requests import HTTPConnection

from services.gateway.domain.access import ANONYMOUS, Principal, Scope, head_of
from services.gateway.edge import tenancy
from services.gateway.edge.errors import ApiError
from services.gateway.edge.near import FOUND, Found
from services.gateway.edge.upstream import Upstream

READS: Final = frozenset({"GET", "HEAD"})
PUBLIC: Final = frozenset(
    {
        "GET /api/docs",
        "GET /api/health",
        "GET /api/metrics",
        "GET /api/openapi.json",
        "GET /api/v1/fees",
        "GET /api/v1/funding",
        "GET /api/v1/insurance",
        "GET /api/v1/liquidity",
        "GET /api/v1/liquidity/feeds",
        "GET /api/v1/liquidity/funding",
        "GET /api/v1/liquidity/funding/history",
        "GET /api/v1/liquidity/gaps",
        "GET /api/v1/liquidity/history",
        "GET /api/v1/liquidity/instruments",
        "GET /api/v1/liquidity/statistics",
        "GET /api/v1/markets",
        "GET /api/v1/markets/{market}/auctions",
        "GET /api/v1/markets/{market}/book",
        "GET /api/v1/markets/{market}/candles",
        "GET /api/v1/markets/{market}/days",
        "GET /api/v1/markets/{market}/depth",
        "GET /api/v1/markets/{market}/funding",
        "GET /api/v1/markets/{market}/impact",
        "GET /api/v1/markets/{market}/statistics",
        "GET /api/v1/markets/{market}/trades",
        "GET /api/v1/prices",
        "GET /api/v1/statistics",
        "GET /api/v1/vaults",
        "GET /api/v1/vaults/history",
        "GET /api/v1/vaults/liquidity",
        "GET /api/v1/vaults/offers",
        "GET /api/v1/vaults/sync",
        "GET /api/v1/vaults/venue",
        "GET /api/v1/vaults/venue/{vault}",
        "GET /api/v1/vaults/venue/{vault}/history",
        "GET /api/v1/venue/vaults",
        "POST /api/v1/auth/external",
        "POST /api/v1/auth/nonce",
        "POST /api/v1/auth/refresh",
        "POST /api/v1/auth/sign-in",
        # The live connection: each subscription is authorised by itself.
        "WEBSOCKET /api/v1/ws",
    }
)
SCOPES: Final[dict[str, Scope]] = {
    "DELETE /api/v1/accounts/{account}/delegates/{delegate}": "identity:write",
    "PUT /api/v1/accounts/{account}/delegates/{delegate}": "identity:write",
    "PUT /api/v1/accounts/{account}/limits": "account:write",
    "PUT /api/v1/accounts/{account}/referrer": "account:write",
    **dict.fromkeys(
        (
            "DELETE /api/v1/accounts/{account}/orders",
            "DELETE /api/v1/accounts/{account}/orders/{client_order_id}",
            "PATCH /api/v1/accounts/{account}/orders/{client_order_id}",
            "POST /api/v1/accounts/{account}/auctions/{auction}/quotes",
            "POST /api/v1/accounts/{account}/commitments",
            "POST /api/v1/accounts/{account}/commitments/{commitment}/reveal",
            "POST /api/v1/accounts/{account}/liquidations",
            "POST /api/v1/accounts/{account}/orders",
            "POST /api/v1/accounts/{account}/orders/batch",
            "POST /api/v1/accounts/{account}/swaps",
            "PUT /api/v1/accounts/{account}/leverage/{market}",
        ),
        "orders:write",
    ),
    **dict.fromkeys(
        (
            "DELETE /api/v1/accounts/{account}/vaults/{vault}/withdrawals/{exit_id}",
            "DELETE /api/v1/accounts/{account}/withdrawals/{withdrawal}",
            "POST /api/v1/accounts/{account}/referrals/claims",
            "POST /api/v1/accounts/{account}/transfers",
            "POST /api/v1/accounts/{account}/vaults",
            "POST /api/v1/accounts/{account}/vaults/{vault}/claims",
            "POST /api/v1/accounts/{account}/vaults/{vault}/compounds",
            "POST /api/v1/accounts/{account}/vaults/{vault}/deposits",
            "POST /api/v1/accounts/{account}/vaults/{vault}/harvests",
            "POST /api/v1/accounts/{account}/vaults/{vault}/rebalances",
            "POST /api/v1/accounts/{account}/vaults/{vault}/rewards",
            "POST /api/v1/accounts/{account}/vaults/{vault}/stakes",
            "POST /api/v1/accounts/{account}/vaults/{vault}/unstakes",
            "POST /api/v1/accounts/{account}/vaults/{vault}/withdrawals",
            "POST /api/v1/accounts/{account}/withdrawals",
            "PUT /api/v1/accounts/{account}/vaults/{vault}/state",
            "PUT /api/v1/accounts/{account}/vaults/{vault}/terms",
        ),
        "transfers:write",
    ),
    "POST /api/v1/accounts/{account}/alerts/{alert}/answers": "account:write",
    "GET /api/v1/me": "account:read",
    "GET /api/v1/me/requests": "identity:write",
    "GET /api/v1/me/usage": "account:read",
    **dict.fromkeys(
        (
            "GET /api/v1/me/notifications",
            "GET /api/v1/me/notifications/profile",
            "GET /api/v1/me/price-alerts",
            "GET /api/v1/me/webhooks",
            "GET /api/v1/me/webhooks/{endpoint}",
            "GET /api/v1/me/webhooks/{endpoint}/deliveries",
        ),
        "account:read",
    ),
    **dict.fromkeys(
        (
            "DELETE /api/v1/me/price-alerts/{alert}",
            "PATCH /api/v1/me/webhooks/{endpoint}",
            "POST /api/v1/me/notifications/read",
            "POST /api/v1/me/price-alerts",
            "POST /api/v1/me/webhooks/{endpoint}/ping",
            "POST /api/v1/me/webhooks/{endpoint}/replay",
            "PUT /api/v1/me/notifications/profile",
        ),
        "account:write",
    ),
    # Secrets are shown to a person who has signed in; and operators, whose roles are asked by the desk itself.
    **dict.fromkeys(
        (
            "DELETE /api/v1/me/webhooks/{endpoint}",
            "POST /api/v1/me/webhooks",
            "POST /api/v1/me/webhooks/{endpoint}/rotate",
            "GET /api/v1/admin/alerts",
            "GET /api/v1/admin/dead-letters",
            "GET /api/v1/admin/dead-letters/{seq}",
            "GET /api/v1/admin/log",
            "GET /api/v1/admin/people",
            "GET /api/v1/admin/requests",
            "GET /api/v1/admin/roles",
            "GET /api/v1/admin/rule-figures",
            "GET /api/v1/admin/rules",
            "GET /api/v1/admin/rules/{name}",
            "GET /api/v1/admin/services",
            "GET /api/v1/admin/terms",
            "GET /api/v1/admin/trace/{message}",
            "GET /api/v1/admin/usage",
            "GET /api/v1/admin/venue",
            "GET /api/v1/admin/venue/changes",
            "DELETE /api/v1/admin/rules/{name}",
            "PATCH /api/v1/admin/people/{user}",
            "POST /api/v1/admin/alerts/{whose}/{alert}/answers",
            "POST /api/v1/admin/dead-letters/{seq}/redrive",
            "PUT /api/v1/admin/networks",
            "PUT /api/v1/admin/roles/{user}",
            "PUT /api/v1/admin/rules/{name}",
            "PUT /api/v1/admin/terms/{whose}",
            "PUT /api/v1/admin/venue/limits/{mode}",
            "PUT /api/v1/admin/venue/mode",
            "PUT /api/v1/admin/venue/switches/{switch}",
        ),
        "identity:write",
    ),
    "GET /api/v1/me/accounts": "account:read",
    "GET /api/v1/me/privacy": "account:read",
    "GET /api/v1/me/product": "account:read",
    "GET /api/v1/me/keys": "identity:write",
    "GET /api/v1/me/log": "identity:write",
    "GET /api/v1/me/referrals": "account:read",
    "GET /api/v1/me/sessions": "identity:write",
    "GET /api/v1/me/wallets": "account:read",
    "GET /api/v1/me/wallets/connections": "identity:write",
    "DELETE /api/v1/me/keys/{key}": "identity:write",
    "DELETE /api/v1/me/privacy/recorded": "identity:write",
    "DELETE /api/v1/me/sessions": "identity:write",
    "PUT /api/v1/me/privacy": "identity:write",
    "POST /api/v1/product/events": "account:write",
    "DELETE /api/v1/me/sessions/{session}": "identity:write",
    "DELETE /api/v1/me/wallets/{chain}/{address}": "identity:write",
    "PATCH /api/v1/me": "identity:write",
    "POST /api/v1/auth/sign-out": "identity:write",
    "POST /api/v1/me/accounts": "account:write",
    "POST /api/v1/me/keys": "identity:write",
    "POST /api/v1/me/keys/{key}/rotate": "identity:write",
    "POST /api/v1/me/wallets": "identity:write",
    "POST /api/v1/me/wallets/nonce": "identity:write",
}
"""What a person's own routes ask of him. With `{account}` in the path it must be his besides."""


DELEGATED: Final = frozenset({"orders:write", "transfers:write"})
OWNERS_ALONE: Final = frozenset({"POST /api/v1/accounts/{account}/liquidations"})
"""Their commands name no actor, of whom matching could say what a delegate may do."""


class Authorisation:
    """Decides, for a route that has been found, before its parameters are looked at."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def __call__(self, connection: HTTPConnection) -> None:
        """ApiError 401 for a stranger, 403 for somebody else."""
        principal = principal_of(connection)
        method = str(connection.scope.get("method", "WEBSOCKET"))
        name = f"{'GET' if method == 'HEAD' else method} {connection.scope['route'].path}"
        found = FOUND.get() or Found()
        if name in PUBLIC:
            found.alone = True
            return
        tenancy.enter(principal)
        account = connection.path_params.get("account") or connection.query_params.get("account")
        if (scope := SCOPES.get(name)) is not None:
            require(principal, scope)
            if account is not None:
                delegated = scope in DELEGATED and name not in OWNERS_ALONE
                await self._require_writing(principal, account, delegated)
        elif method not in READS:
            raise _refusal(principal, "This is not open to you.")
        elif account is not None:
            await self.require_reading(principal, account)
            found.alone = principal.has("venue:read") or principal.owns(account)
        elif not principal.has("venue:read"):
            raise _refusal(principal, "This is for those who read for the venue; name an account of yours.")

    async def require_reading(self, principal: Principal, account: str) -> None:
        """Whether a principal may read an account. ApiError 401 or 403."""
        if principal.has("venue:read"):
            return
        if not principal.has("account:read"):
            raise _refusal(principal, "This is not open to you.")
        if not principal.owns(account) and not await self._is_delegate(principal, account):
            # The same whether there is such an account or not.
            raise _not_permitted("The account is not yours.")

    async def _require_writing(self, principal: Principal, account: str, delegated: bool) -> None:
        """What exactly a delegate may do is matching's to say, by the actor that the command names."""
        if principal.owns(account) or (delegated and await self._is_delegate(principal, account)):
            return
        raise _not_permitted("The account is not yours.")

    async def _is_delegate(self, principal: Principal, account: str) -> bool:
        if principal.accounts and account not in principal.accounts:
            return False
        try:
            family: dict[str, Any] = await self._upstream.ask("matching", "family", account=head_of(account))
        except ApiError:
            return False
        opened = any(
            member["account"] == account and bool(member["delegates"].get(principal.user))
            for member in family["accounts"]
        )
        if opened:
            tenancy.enter_as_delegate(account)
        return opened


def principal_of(connection: HTTPConnection) -> Principal:
    """Who asks, as the door has found."""
    found = connection.scope.get("state", {}).get("principal", ANONYMOUS)
    assert isinstance(found, Principal)
    return found


def require(principal: Principal, scope: Scope) -> None:
    """ApiError 401 for a stranger, 403 for one without the scope."""
    if principal.has(scope):
        return
    if principal.kind == "key" and scope in principal.scopes:
        raise ApiError(403, "signature_required", "A key signs requests that change something.", {"scope": scope})
    raise _refusal(principal, "The credentials do not have the scope.", scope)


def _refusal(principal: Principal, why: str, scope: str | None = None) -> ApiError:
    if not principal.known:
        return ApiError(401, "sign_in_required", "Sign in, or send an API key.")
    return _not_permitted(why, scope)


def _not_permitted(why: str, scope: str | None = None) -> ApiError:
    return ApiError(403, "not_permitted", why, {"scope": scope} if scope else None)
