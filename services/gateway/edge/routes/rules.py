"""Alert rules over HTTP (ADR 47): what may be watched, by which rules it is, and operators who set and remove them.

A condition is read here too, so that what is wrong has its place in it; matching decides, in its order.
"""

from typing import Annotated, Any, Final

from cleartide.answers.parts import TransferOutcome
from cleartide.answers.risk import RuleFigures, RuleList, RuleView
from cleartide.answers.shapes import ErrorForm
from cleartide.contracts import AlertRule, RemoveAlertRule, SetAlertRule
from cleartide.contracts.alert_rules import ConditionText, RuleLevel, RuleSubject
from cleartide.contracts.types import MarketId
from cleartide.rules.alerting import FIGURES, RuleError, read_rule
from fastapi import APIRouter, Path, Query
from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.context import SHORT_MS, Edge
from services.gateway.edge.errors import ApiError
from services.gateway.edge.parameters import RULE
from services.gateway.edge.routes.asking import answered, given, ident_of
from services.gateway.edge.routes.bodies import PLAIN, Body
from services.gateway.edge.routes.operations import Note, NoteBody, admitted

RulePath = Annotated[str, Path(pattern=RULE, description="the rule's name")]
Why = Annotated[str, Query(max_length=200, pattern=PLAIN, description="why; goes into the log")]
Text = Annotated[ConditionText, StringConstraints(pattern=PLAIN)]
CATALOGUE: Final = {
    "figures": [
        {"each": each, "name": name, "unit": figure.unit, "meaning": figure.meaning}
        for each, figures in FIGURES.items()
        for name, figure in figures.items()
    ]
}


class RuleTerms(Body):
    """A rule but for its name. `when`, `until`: conditions over figures; `markets`: none is all.

    Without `until` an alert ends when `when` does; after one the same subject is alerted again no sooner than
    `cooldown_seconds` later.
    """

    level: RuleLevel = "warning"
    each: RuleSubject
    when: Annotated[Text, Field(min_length=1, examples=["leverage > 10 and equity < 1000"])]
    until: Annotated[Text, Field(examples=["leverage < 8"])] = ""
    markets: Annotated[tuple[MarketId, ...], Field(max_length=32)] = ()
    cooldown_seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    note: Note = ""


class RuleBody(NoteBody):
    """The whole rule; what is left out is as it is without being said."""

    rule: RuleTerms


def rules_router(edge: Edge) -> APIRouter:
    """Routes about the operator's alert rules: to read for the venue, and the desk's."""
    router = APIRouter(prefix="/api/v1")
    _read(router, edge)
    _change(router, edge)
    return router


def _read(router: APIRouter, edge: Edge) -> None:
    async def rules() -> dict[str, Any]:
        found: dict[str, Any] = await edge.upstream.ask("risk", "alert_rules")
        return found

    @router.get(
        "/risk/rules",
        tags=["risk"],
        summary="The operators' alert rules, how many alerts of each hold, and its last",
        response_model=RuleList,
    )
    async def watched() -> Response:
        return await edge.answer(("rules",), SHORT_MS, rules)

    @router.get(
        "/admin/rules",
        tags=["operations"],
        summary="Alert rules, how many alerts of each hold, and its last",
        response_model=RuleList,
        responses={403: {"model": ErrorForm}},
    )
    async def listed(request: Request) -> Response:
        await admitted(edge, request, "alerts.read")
        return answered(await rules())

    @router.get(
        "/admin/rule-figures",
        tags=["operations"],
        summary="What a rule may name: figures of an account, a position or a market, with units",
        response_model=RuleFigures,
        responses={403: {"model": ErrorForm}},
    )
    async def figures(request: Request) -> Response:
        await admitted(edge, request, "alerts.read")
        return answered(CATALOGUE)

    @router.get(
        "/admin/rules/{name}",
        tags=["operations"],
        summary="One alert rule",
        response_model=RuleView,
        responses={403: {"model": ErrorForm}},
    )
    async def one(request: Request, name: RulePath) -> Response:
        await admitted(edge, request, "alerts.read")
        found = next((each for each in (await rules())["rules"] if each["name"] == name), None)
        if found is None:
            raise ApiError(404, "unknown_rule", "There is no alert rule of this name.", {"name": name})
        return answered(found)


def _change(router: APIRouter, edge: Edge) -> None:
    @router.put(
        "/admin/rules/{name}",
        tags=["operations"],
        summary="Watch by a rule from here on; one of the same name is replaced",
        response_model=TransferOutcome,
        status_code=202,
        responses={403: {"model": ErrorForm}},
    )
    async def put(request: Request, name: RulePath, body: RuleBody) -> Response:
        operator = await admitted(edge, request, "venue.write")
        terms = AlertRule(name=name, **body.rule.model_dump())
        _require_readable(terms)
        said = {"by": operator.user, "note": body.note, "rule": terms.model_dump(mode="json")}
        async with edge.audit.doing(operator, "rules.set", name, body.note) as action:
            outcome = await edge.commands.send(SetAlertRule, ident=ident_of(request), **said)
            action.old, action.new = _change_of(outcome, terms.model_dump_json(exclude={"name"}))
        return given(edge, outcome)

    @router.delete(
        "/admin/rules/{name}",
        tags=["operations"],
        summary="Watch by a rule no longer; its alerts that hold are resolved",
        response_model=TransferOutcome,
        status_code=202,
        responses={403: {"model": ErrorForm}},
    )
    async def remove(request: Request, name: RulePath, note: Why = "") -> Response:
        operator = await admitted(edge, request, "venue.write")
        async with edge.audit.doing(operator, "rules.remove", name, note) as action:
            said = {"by": operator.user, "note": note, "name": name}
            outcome = await edge.commands.send(RemoveAlertRule, ident=ident_of(request), **said)
            action.old, action.new = _change_of(outcome, "")
        return given(edge, outcome)


def _change_of(outcome: dict[str, Any], asked: str) -> tuple[str, str]:
    """What was before and is now, in matching's own words; while it has not answered, what was asked."""
    changes = (event for event in outcome["events"] or () if event["type"] == "VenueChanged")
    return next(((str(change["old"]), str(change["new"])) for change in changes), ("", asked))


def _require_readable(rule: AlertRule) -> None:
    try:
        read_rule(rule)
    except RuleError as error:
        detail = {"field": error.field, "column": error.column, "problem": error.text}
        raise ApiError(422, "bad_rule", f"The rule cannot be read: {error.detail}.", detail) from None
