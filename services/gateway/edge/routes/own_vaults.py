"""The venue's own vaults over HTTP: paying in, taking out, and what a manager does. Matching decides each request."""

from typing import Annotated, Any

from cleartide.answers.shapes import ErrorForm, TransferOutcome
from cleartide.answers.vaults import (
    OwnVault,
    OwnVaultHistory,
    OwnVaultPerformance,
    OwnVaults,
    VaultHoldings,
    VaultMoves,
)
from cleartide.contracts.base import Message
from cleartide.contracts.farms import ClaimFarmRewards, FundFarm, StakeShares, UnstakeShares
from cleartide.contracts.types import JSON_SAFE, PositiveDecimal, SignedDecimal
from cleartide.contracts.vaults import (
    CancelVaultExit,
    CompoundVault,
    CreateVault,
    DepositToVault,
    HarvestVault,
    ManagedState,
    OwnVaultName,
    PositiveShares,
    RebalanceVault,
    SetVaultState,
    SetVaultTerms,
    WithdrawFromVault,
)
from fastapi import APIRouter, Path, Query
from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge import decimals
from services.gateway.edge.context import LONG_MS, SHORT_MS, Edge
from services.gateway.edge.files import Form, file_of
from services.gateway.edge.paging import listed
from services.gateway.edge.parameters import AccountPath, Limit
from services.gateway.edge.routes.asking import answered, ident_of, user_of
from services.gateway.edge.routes.bodies import Body
from services.gateway.edge.routes.transfers import PENDING

VaultPath = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_-]{0,23}$", description="name of a vault of the venue")]
ExitPath = Annotated[int, Path(ge=1, le=JSON_SAFE, description="an `exit_id` that an answer gave")]
BeforeMove = Annotated[int | None, Query(ge=0, le=JSON_SAFE, description="`move_id` of the page before's last")]
Instant = Annotated[int | None, Query(ge=0, le=JSON_SAFE, description="microseconds since the Unix epoch, UTC")]
Step = Annotated[int, Query(ge=3_600, le=31_536_000, multiple_of=3_600, description="seconds, whole hours")]
Points = Annotated[int, Query(ge=1, le=1_000)]
_TERMS: dict[str, Any] = {"performance_fee_bps": 1_000, "lock_seconds": 86_400, "capacity": "1000000"}


class VaultTermsBody(Body):
    """Fees in basis points, 1e-4; `lock_seconds`: how long a deposit stays; `reserve_bps`: what stays in reserve."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TERMS]})

    deposit_fee_bps: int = 0
    withdraw_fee_bps: int = 0
    management_fee_bps: int = 0
    performance_fee_bps: int = 0
    lock_seconds: int = 0
    capacity: PositiveDecimal | None = None
    reserve_bps: int = 0
    virtual_shares: int = 1_000


class VaultBody(VaultTermsBody):
    """A vault's name and its terms."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"vault": "calm", **_TERMS}]})

    vault: OwnVaultName


class VaultStateBody(Body):
    """`paused` takes nothing in for now, `closed` for good."""

    state: ManagedState


class VaultDepositBody(Body):
    """Cash for shares."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"amount": "100"}]})

    amount: PositiveDecimal


class VaultWithdrawalBody(Body):
    """Shares for cash, in whole units."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"shares": 50_000_000_000}]})

    shares: PositiveShares


class RewardBody(Body):
    """Cash that flows evenly over `seconds` to those who have staked."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"amount": "100", "seconds": 86_400}]})

    amount: PositiveDecimal
    seconds: Annotated[int, Field(gt=0, le=31_536_000)]


class RebalanceBody(Body):
    """Cash from the reserve to the strategy; below zero back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"amount": "80"}]})

    amount: SignedDecimal


def own_vaults_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1 about vaults of the venue."""
    router = APIRouter(prefix="/api/v1", tags=["vaults"], responses={422: {"model": ErrorForm}})
    _reads(router, edge)
    _held(router, edge)
    _holders(router, edge)
    _managers(router, edge)
    _farmers(router, edge)
    return router


def _reads(router: APIRouter, edge: Edge) -> None:
    ask = edge.upstream.ask

    @router.get(
        "/vaults/venue",
        summary="Every vault of the venue: terms, state, and what a share is worth now",
        response_model=OwnVaults,
    )
    async def vaults(form: Form = "json") -> Response:
        if form != "json":
            told = await ask("matching", "own_vaults")
            return await file_of("vaults-of-the-venue", form, [_in_line(row) for row in told["vaults"]])
        return await edge.answer(("own_vaults",), SHORT_MS, lambda: ask("matching", "own_vaults"))

    @router.get("/vaults/venue/{vault}", summary="One vault of the venue", response_model=OwnVault)
    async def one(vault: VaultPath) -> Response:
        return await edge.answer(("own_vault", vault), SHORT_MS, lambda: ask("matching", "own_vault", vault=vault))

    @router.get(
        "/vaults/venue/{vault}/history",
        summary="What a vault's shares were worth, the oldest first, and now",
        response_model=OwnVaultHistory,
    )
    async def history(
        vault: VaultPath,
        start: Instant = None,
        end: Instant = None,
        step: Step = 86_400,
        limit: Points = 500,
        form: Form = "json",
    ) -> Response:
        asked = {"vault": vault, "from": start, "to": end, "step": step, "limit": limit}
        if form != "json":
            return await file_of(f"{vault}-history", form, (await ask("analytics", "vault_history", **asked))["points"])
        key = ("own_vault_history", *asked.values())
        return await edge.answer(key, LONG_MS, lambda: ask("analytics", "vault_history", **asked))

    @router.get(
        "/venue/vaults",
        summary="How the venue's vaults have done: returns over 24h, 7d, 30d, APR, APY",
        response_model=OwnVaultPerformance,
    )
    async def performance(form: Form = "json") -> Response:
        if form != "json":
            told = await ask("analytics", "vault_performance")
            return await file_of("venue-vaults", form, [_flat(row) for row in told["vaults"]])
        return await edge.answer(("own_vault_performance",), LONG_MS, lambda: ask("analytics", "vault_performance"))


def _held(router: APIRouter, edge: Edge) -> None:
    ask = edge.upstream.ask

    @router.get(
        "/accounts/{account}/vaults",
        summary="What an account holds of vaults, and which exits wait",
        response_model=VaultHoldings,
    )
    async def holdings(account: AccountPath, form: Form = "json") -> Response:
        if form != "json":
            told = await ask("matching", "vault_holdings", account=account)
            return await file_of(f"{account}-vaults", form, told["holdings"])
        key = ("own_vault_holdings", account)
        return await edge.answer(key, SHORT_MS, lambda: ask("matching", "vault_holdings", account=account))

    @router.get(
        "/accounts/{account}/vaults/moves",
        summary="What an account paid in and took out, newest first",
        response_model=VaultMoves,
    )
    async def moves(
        account: AccountPath, before: BeforeMove = None, limit: Limit = 50, form: Form = "json"
    ) -> Response:
        asked = {"account": account, "before": before, "limit": limit}
        if form != "json":
            return await file_of(
                f"{account}-vault-moves", form, (await ask("matching", "vault_moves", **asked))["moves"]
            )
        told = listed("moves", "move_id", limit, ask, "matching", "vault_moves", asked)
        return await edge.answer(("own_vault_moves", *asked.values()), SHORT_MS, told)


def _in_line(row: dict[str, Any]) -> dict[str, Any]:
    """A line of a file: the terms and the farm beside the other figures."""
    farm = dict.fromkeys(("platform_fee_bps", "to_come", "ends_at", "staked_shares", "reward_apr")) | (
        row["farm"] or {}
    )
    flat = {name: value for name, value in row.items() if name not in ("terms", "farm")}
    return {**flat, **row["terms"], **{f"farm_{name}": value for name, value in farm.items()}}


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A line of a file: returns beside the other figures."""
    returns = {f"return_{name}": change for name, change in row["returns"].items()}
    return {name: value for name, value in row.items() if name != "returns"} | returns


def _holders(router: APIRouter, edge: Edge) -> None:
    of = "/accounts/{account}/vaults/{vault}"

    @router.post(f"{of}/deposits", summary="Pay cash into a vault", response_model=TransferOutcome, responses=PENDING)
    async def deposit(request: Request, account: AccountPath, vault: VaultPath, body: VaultDepositBody) -> Response:
        return await _asked(edge, request, DepositToVault, account, vault, **body.model_dump())

    @router.post(
        f"{of}/withdrawals",
        summary="Give shares back, or join the queue",
        response_model=TransferOutcome,
        responses=PENDING,
    )
    async def withdraw(request: Request, account: AccountPath, vault: VaultPath, body: VaultWithdrawalBody) -> Response:
        return await _asked(edge, request, WithdrawFromVault, account, vault, **body.model_dump())

    @router.delete(
        f"{of}/withdrawals/{{exit_id}}", summary="Leave the queue", response_model=TransferOutcome, responses=PENDING
    )
    async def stay(request: Request, account: AccountPath, vault: VaultPath, exit_id: ExitPath) -> Response:
        return await _asked(edge, request, CancelVaultExit, account, vault, exit_id=exit_id)


def _managers(router: APIRouter, edge: Edge) -> None:
    of = "/accounts/{account}/vaults/{vault}"

    @router.post(
        "/accounts/{account}/vaults",
        summary="Open a vault and manage it",
        response_model=TransferOutcome,
        responses=PENDING,
    )
    async def create(request: Request, account: AccountPath, body: VaultBody) -> Response:
        terms = body.model_dump(exclude={"vault"})
        return await _asked(edge, request, CreateVault, account, body.vault, terms=terms)

    @router.put(f"{of}/terms", summary="Give a vault new terms", response_model=TransferOutcome, responses=PENDING)
    async def set_terms(request: Request, account: AccountPath, vault: VaultPath, body: VaultTermsBody) -> Response:
        return await _asked(edge, request, SetVaultTerms, account, vault, terms=body.model_dump())

    @router.put(
        f"{of}/state", summary="Stop or resume what comes in", response_model=TransferOutcome, responses=PENDING
    )
    async def set_state(request: Request, account: AccountPath, vault: VaultPath, body: VaultStateBody) -> Response:
        return await _asked(edge, request, SetVaultState, account, vault, **body.model_dump())

    @router.post(
        f"{of}/rebalances", summary="Move cash to work and back", response_model=TransferOutcome, responses=PENDING
    )
    async def rebalance(request: Request, account: AccountPath, vault: VaultPath, body: RebalanceBody) -> Response:
        return await _asked(edge, request, RebalanceVault, account, vault, **body.model_dump())

    @router.post(
        f"{of}/harvests",
        summary="Bring gains home, pay who waits and fees",
        response_model=TransferOutcome,
        responses=PENDING,
    )
    async def harvest(request: Request, account: AccountPath, vault: VaultPath) -> Response:
        return await _asked(edge, request, HarvestVault, account, vault)

    @router.post(
        f"{of}/compounds", summary="Put what was harvested to work", response_model=TransferOutcome, responses=PENDING
    )
    async def compound(request: Request, account: AccountPath, vault: VaultPath) -> Response:
        return await _asked(edge, request, CompoundVault, account, vault)


def _farmers(router: APIRouter, edge: Edge) -> None:
    of = "/accounts/{account}/vaults/{vault}"

    @router.post(
        f"{of}/stakes", summary="Stake shares in the vault's farm", response_model=TransferOutcome, responses=PENDING
    )
    async def stake(request: Request, account: AccountPath, vault: VaultPath, body: VaultWithdrawalBody) -> Response:
        return await _asked(edge, request, StakeShares, account, vault, **body.model_dump())

    @router.post(
        f"{of}/unstakes", summary="Take shares out of the farm", response_model=TransferOutcome, responses=PENDING
    )
    async def unstake(request: Request, account: AccountPath, vault: VaultPath, body: VaultWithdrawalBody) -> Response:
        return await _asked(edge, request, UnstakeShares, account, vault, **body.model_dump())

    @router.post(
        f"{of}/claims", summary="Have what was earned by staking", response_model=TransferOutcome, responses=PENDING
    )
    async def claim(request: Request, account: AccountPath, vault: VaultPath) -> Response:
        return await _asked(edge, request, ClaimFarmRewards, account, vault)

    @router.post(
        f"{of}/rewards", summary="Put a reward into the farm", response_model=TransferOutcome, responses=PENDING
    )
    async def reward(request: Request, account: AccountPath, vault: VaultPath, body: RewardBody) -> Response:
        return await _asked(edge, request, FundFarm, account, vault, **body.model_dump())


async def _asked(
    edge: Edge, request: Request, contract: type[Message], account: str, vault: str, **wish: Any
) -> Response:
    body = {"account": account, "vault": vault, "actor": user_of(request), **wish}
    outcome = await edge.commands.send(contract, ident=ident_of(request), **body)
    if outcome["events"] is None:
        return answered(outcome, 202)
    told = [event for event in outcome["events"] if event.get("account", account) == account]
    return answered({**outcome, "events": [decimals.told(event, None) for event in told]})
