"""The operator's desk: dead letters, the way of an alert, who may what, and the log of it all.

A person is admitted by his role and his address with every request; a key is not, whatever it may otherwise do.
"""

from typing import Annotated

from cleartide.answers.operations import (
    AuditPage,
    DeadLetters,
    GrantedRole,
    Networks,
    Redriven,
    Roles,
    ServiceList,
    Trace,
    VenueChanges,
    VenueView,
    WholeLetter,
)
from cleartide.answers.shapes import ErrorForm
from cleartide.bus.nats import ApiError as BusError
from cleartide.ops.chain import chain_of, told
from fastapi import APIRouter, Path, Query
from nats.errors import Error as NatsError
from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.domain.roles import PERMISSIONS, Permission, Role
from services.gateway.edge import tenancy
from services.gateway.edge.authorisation import principal_of
from services.gateway.edge.context import Edge
from services.gateway.edge.errors import ApiError
from services.gateway.edge.paging import paged
from services.gateway.edge.routes.asking import answered, caller_of
from services.gateway.edge.routes.bodies import PLAIN, Body, Network
from services.gateway.operations.audit import Operator

Note = Annotated[str, StringConstraints(max_length=200, pattern=PLAIN)]
UserPath = Annotated[str, Path(pattern=r"^u[0-9a-f]{20}$")]
LetterPath = Annotated[int, Path(ge=1, lt=2**62)]
MessagePath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
Before = Annotated[int | None, Query(ge=1, lt=2**62, description="only what is older than this number")]
Most = Annotated[int, Query(ge=1, le=200)]


class NoteBody(Body):
    """Why."""

    note: Note = ""


class RoleBody(NoteBody):
    """The role; null takes it away."""

    role: Role | None


class NetworksBody(NoteBody):
    """All networks that operators may come from; none is everywhere."""

    networks: Annotated[list[Network], Field(max_length=200)]


def operations_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/admin."""
    router = APIRouter(prefix="/api/v1/admin", tags=["operations"], responses={403: {"model": ErrorForm}})
    _dead_letters(router, edge)
    _access(router, edge)
    _looking(router, edge)
    return router


async def admitted(edge: Edge, request: Request, permission: Permission) -> Operator:
    """The operator who asks. ApiError 403 for anybody else."""
    principal = principal_of(request)
    if principal.kind != "session":
        raise ApiError(403, "not_permitted", "Operators come as people who have signed in, not by keys.")
    operator = await edge.audit.admit(principal.user, caller_of(request).ip, permission)
    tenancy.enter_as_operator()
    return operator


def _dead_letters(router: APIRouter, edge: Edge) -> None:
    @router.get("/dead-letters", summary="What could not be applied, newest first", response_model=DeadLetters)
    async def letters(request: Request, before: Before = None, limit: Most = 50) -> Response:
        await admitted(edge, request, "dead_letters.read")
        return answered(await edge.dead_letters.newest(before=before, limit=limit))

    @router.get(
        "/dead-letters/{seq}", summary="One of them, with the message that was refused", response_model=WholeLetter
    )
    async def letter(request: Request, seq: LetterPath) -> Response:
        await admitted(edge, request, "dead_letters.read")
        return answered(await edge.dead_letters.one(seq))

    @router.post(
        "/dead-letters/{seq}/redrive",
        summary="Publish the message again, where it came from",
        response_model=Redriven,
        status_code=202,
    )
    async def redrive(request: Request, seq: LetterPath, body: NoteBody) -> Response:
        operator = await admitted(edge, request, "dead_letters.redrive")
        return answered(await edge.dead_letters.redrive(operator, seq, body.note), 202)


def _access(router: APIRouter, edge: Edge) -> None:
    @router.get("/roles", summary="Who has which role, and what each may", response_model=Roles)
    async def roles(request: Request) -> Response:
        await admitted(edge, request, "roles.read")
        known = {role: sorted(permissions) for role, permissions in PERMISSIONS.items()}
        return answered({"people": await edge.audit.roles(), "roles": known})

    @router.put("/roles/{user}", summary="Give somebody a role, or take it", response_model=GrantedRole)
    async def grant(request: Request, user: UserPath, body: RoleBody) -> Response:
        operator = await admitted(edge, request, "roles.write")
        await edge.audit.grant(operator, user, body.role, body.note)
        return answered({"user_id": user, "role": body.role})

    @router.put("/networks", summary="Where operators may come from; replaces them all", response_model=Networks)
    async def networks(request: Request, body: NetworksBody) -> Response:
        operator = await admitted(edge, request, "networks.write")
        return answered({"networks": await edge.audit.set_networks(operator, body.networks, body.note)})

    @router.get(
        "/log", summary="Every action of operators, with old and new values, newest first", response_model=AuditPage
    )
    async def log(request: Request, before: Before = None, limit: Most = 50) -> Response:
        await admitted(edge, request, "audit.read")
        return answered(paged({"log": await edge.audit.log(before=before, limit=limit)}, "log", "id", limit))


def _looking(router: APIRouter, edge: Edge) -> None:
    @router.get(
        "/services",
        summary="Position, lag and last commit of every service, as `services` tells them",
        response_model=ServiceList,
    )
    async def services(request: Request) -> Response:
        await admitted(edge, request, "venue.read")
        return answered({"services": await edge.health.progress()})

    @router.get("/venue", summary="Mode, switches, limits and tiers of the venue", response_model=VenueView)
    async def venue(request: Request) -> Response:
        await admitted(edge, request, "venue.read")
        return answered(await edge.upstream.ask("matching", "venue"))

    @router.get(
        "/venue/changes",
        summary="Who changed which of them, old and new, as the sequence has it",
        response_model=VenueChanges,
    )
    async def changes(request: Request, before: Before = None, limit: Most = 50) -> Response:
        await admitted(edge, request, "venue.read")
        found = await edge.upstream.ask("matching", "venue_changes", before=before, limit=limit)
        return answered(paged(found, "changes", "change_id", limit))

    @router.get(
        "/trace/{message}", summary="An alert, by number or id, back to the frame that caused it", response_model=Trace
    )
    async def trace(request: Request, message: MessagePath) -> Response:
        await admitted(edge, request, "trace.read")
        try:
            links = await chain_of(edge.bus, message)
        except (NatsError, BusError, OSError, TimeoutError) as error:
            raise ApiError(503, "bus_unavailable", "The event bus cannot be reached.") from error
        if not links:
            raise ApiError(404, "unknown_message", "There is no such message in the streams.")
        chain = [
            {
                "id": link.event["id"],
                "type": link.event["type"],
                "stream": link.stream,
                "stream_seq": link.stream_seq,
                "stored_at": link.stored_at,
                "milliseconds": round((link.stored_at - links[-1].stored_at) / 1000, 3),
                "told": told(link.event),
            }
            for link in links
        ]
        return answered({"chain": chain})
