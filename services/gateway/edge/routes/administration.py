"""What operators change over HTTP: modes and switches of the venue, terms of accounts, states of people, alerts.

Matching decides about the venue, in its order; the log has who asked, from where, and what was before and after.
"""

from typing import Annotated, Any, Literal

from cleartide.answers.operations import PeoplePage, PersonLine, TermsPage
from cleartide.answers.parts import TransferOutcome
from cleartide.answers.risk import AnsweredAlerts
from cleartide.answers.shapes import ErrorForm
from cleartide.contracts import AnswerAlert, SetAccountTerms, SetVenueLimits, SetVenueMode, SetVenueSwitch
from cleartide.contracts.types import PositiveDecimal
from cleartide.contracts.venue import AccountStanding, TierName, VenueMode, VenueSwitch
from cleartide.contracts.watching import AlertAnswer
from fastapi import APIRouter, Path, Query
from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.context import Edge
from services.gateway.edge.paging import paged, whole
from services.gateway.edge.parameters import AccountFilter, Before, BeforeSeq, Limit
from services.gateway.edge.routes.asking import answered, caller_of, given, ident_of
from services.gateway.edge.routes.operations import NoteBody, UserPath, admitted
from services.gateway.edge.routes.watching import answered_alerts
from services.gateway.operations.people import Change, Kyc, PeopleDesk, Risk, Status, TierOf

WhosePath = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,47}$")]
AlertPath = Annotated[int, Path(ge=1, lt=2**40, description="the alert's `account_seq`")]
BeforeTerms = Annotated[
    str | None,
    Query(pattern=r"^[a-z0-9][a-z0-9_-]{0,47}$", description="`next` of the page before, which goes by name"),
]
Wanted = Annotated[
    str, Query(max_length=128, pattern=r"^[A-Za-z0-9@._+-]*$", description="id, username, address, code")
]
AlertNote = Annotated[str, StringConstraints(max_length=160, pattern=r"^[^\x00-\x1f\x7f]*$")]


class ModeBody(NoteBody):
    """Demo or live."""

    mode: VenueMode


class SwitchBody(NoteBody):
    """On or off."""

    on: bool


class ModeLimitsBody(NoteBody):
    """All limits of every account in a mode, amounts in quote; what is left out has no limit."""

    max_position: PositiveDecimal | None = None
    max_leverage: Annotated[int, Field(ge=1, le=1_000)] | None = None
    max_daily_loss: PositiveDecimal | None = None


class TermsBody(NoteBody):
    """The tier of an account's order caps, and whether it may trade; what is left out stays."""

    tier: TierName | None = None
    standing: AccountStanding | None = None


class PersonBody(NoteBody):
    """A person's tier and states; what is left out stays. `venue`: whether he reads for the whole venue."""

    tier: TierOf | None = None
    kyc: Kyc | None = None
    risk: Risk | None = None
    status: Status | None = None
    venue: bool | None = None


class AnswerBody(NoteBody):
    """Seen, or dealt with."""

    answer: AlertAnswer
    note: AlertNote = ""


def administration_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/admin that change something."""
    router = APIRouter(prefix="/api/v1/admin", tags=["operations"], responses={403: {"model": ErrorForm}})
    _venue(router, edge)
    _terms(router, edge)
    _alerts(router, edge)
    _people(router, edge)
    return router


async def _before(edge: Edge, *path: str) -> str:
    found: Any = await edge.upstream.ask("matching", "venue")
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return _text(found)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={'none' if item is None else item}" for name, item in sorted(value.items()))
    return {None: "", True: "on", False: "off"}.get(value, str(value))


def _venue(router: APIRouter, edge: Edge) -> None:
    @router.put(
        "/venue/mode", summary="Switch the venue between demo and live", response_model=TransferOutcome, status_code=202
    )
    async def mode(request: Request, body: ModeBody) -> Response:
        operator = await admitted(edge, request, "venue.write")
        async with edge.audit.doing(operator, "venue.mode", "venue", body.note) as action:
            action.old, action.new = await _before(edge, "mode"), body.mode
            said = {"mode": body.mode, "by": operator.user, "note": body.note}
            outcome = await edge.commands.send(SetVenueMode, ident=ident_of(request), **said)
        return given(edge, outcome)

    @router.put(
        "/venue/switches/{switch}",
        summary="Turn the kill switch or the maintenance flag on or off",
        response_model=TransferOutcome,
        status_code=202,
    )
    async def switched(request: Request, switch: VenueSwitch, body: SwitchBody) -> Response:
        operator = await admitted(edge, request, "venue.write")
        async with edge.audit.doing(operator, "venue.switch", switch, body.note) as action:
            action.old, action.new = await _before(edge, switch), _text(body.on)
            said = {"switch": switch, "on": body.on, "by": operator.user, "note": body.note}
            outcome = await edge.commands.send(SetVenueSwitch, ident=ident_of(request), **said)
        return given(edge, outcome)

    @router.put(
        "/venue/limits/{mode}",
        summary="Limits of every account while the venue is in a mode",
        response_model=TransferOutcome,
        status_code=202,
    )
    async def limits(request: Request, mode: VenueMode, body: ModeLimitsBody) -> Response:
        operator = await admitted(edge, request, "venue.write")
        wish = body.model_dump()
        bounds = {name: value for name, value in wish.items() if name != "note"}
        async with edge.audit.doing(operator, "venue.limits", mode, body.note) as action:
            action.old, action.new = await _before(edge, "limits", mode), _text(bounds)
            said = {"mode": mode, "by": operator.user, **wish}
            outcome = await edge.commands.send(SetVenueLimits, ident=ident_of(request), **said)
        return given(edge, outcome)


def _terms(router: APIRouter, edge: Edge) -> None:
    @router.get("/terms", summary="Accounts for which an operator has decided something", response_model=TermsPage)
    async def listed(
        request: Request, whose: AccountFilter = None, before: BeforeTerms = None, limit: Limit = 100
    ) -> Response:
        await admitted(edge, request, "venue.read")
        found = await edge.upstream.ask("matching", "account_terms", account=whose, before=before, limit=limit)
        return answered(paged(found, "accounts", "account", limit))

    @router.put(
        "/terms/{whose}",
        summary="Put an account into a tier of order caps, or restrict it",
        response_model=TransferOutcome,
        status_code=202,
    )
    async def terms(request: Request, whose: WhosePath, body: TermsBody) -> Response:
        operator = await admitted(edge, request, "venue.write")
        wish = body.model_dump()
        asked = {name: value for name, value in wish.items() if name != "note" and value is not None}
        async with edge.audit.doing(operator, "account.terms", whose, body.note) as action:
            held = await edge.upstream.ask("matching", "account_terms", account=whose, limit=1)
            before = held["accounts"][0] if held["accounts"] else {}
            action.old, action.new = _text({name: before.get(name) for name in asked}), _text(asked)
            said = {"account": whose, "by": operator.user, **wish}
            outcome = await edge.commands.send(SetAccountTerms, ident=ident_of(request), **said)
        return given(edge, outcome)


def _alerts(router: APIRouter, edge: Edge) -> None:
    @router.get(
        "/alerts", summary="The venue's newest alerts with what was answered to them", response_model=AnsweredAlerts
    )
    async def alerts(
        request: Request, whose: AccountFilter = None, before: BeforeSeq = None, limit: Limit = 100
    ) -> Response:
        await admitted(edge, request, "alerts.read")
        return answered(await answered_alerts(edge, account=whose, after=None, before=before, limit=limit))

    @router.post(
        "/alerts/{whose}/{alert}/answers",
        summary="Acknowledge or resolve an alert for the venue",
        response_model=TransferOutcome,
        status_code=202,
    )
    async def answer(request: Request, whose: WhosePath, alert: AlertPath, body: AnswerBody) -> Response:
        operator = await admitted(edge, request, "alerts.write")
        async with edge.audit.doing(operator, "alerts.answer", f"{whose} #{alert}", body.note) as action:
            action.new = body.answer
            # In the account's own name, as matching has it; the note says which operator it was.
            note = f"{operator.user}: {body.note}" if body.note else operator.user
            wish = {"account": whose, "alert": alert, "answer": body.answer, "note": note}
            outcome = await edge.commands.send(AnswerAlert, ident=ident_of(request), **wish)
        return given(edge, outcome)


def _people(router: APIRouter, edge: Edge) -> None:
    desk = PeopleDesk(edge.identity, edge.audit)

    @router.get(
        "/people",
        summary="People by id, username, wallet or referral code; the newest without a word",
        response_model=PeoplePage,
    )
    async def people(request: Request, wanted: Wanted = "", before: Before = None, limit: Limit = 50) -> Response:
        await admitted(edge, request, "people.read")

        async def found(most: int) -> dict[str, Any]:
            return {"people": await desk.found(wanted, most, before)}

        return answered(await whole(found, "people", "created_at", limit))

    @router.patch(
        "/people/{user}", summary="Change a person's tier, KYC, risk state or standing", response_model=PersonLine
    )
    async def change(request: Request, user: UserPath, body: PersonBody) -> Response:
        permission: Literal["roles.write", "people.write"] = "people.write" if body.venue is None else "roles.write"
        operator = await admitted(edge, request, permission)
        wish = Change(**body.model_dump())
        return answered(await desk.change(operator, user, wish, caller_of(request)))
