"""A person's own profile, sessions, referrals and log. Read as that person: the database shows no other rows."""

import json
from typing import Annotated, Any

import asyncpg
from cleartide.answers.identity import (
    EndedSession,
    EndedSessions,
    LogPage,
    PersonView,
    Referrals,
    SessionList,
)
from cleartide.contracts.types import JSON_SAFE
from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from services.gateway.edge.context import Edge
from services.gateway.edge.errors import ApiError
from services.gateway.edge.paging import paged
from services.gateway.edge.parameters import BeforeLine, Limit
from services.gateway.edge.routes.asking import answered, caller_of, user_of
from services.gateway.edge.routes.bodies import ProfileBody
from services.gateway.identity import people

SessionPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def people_router(edge: Edge) -> APIRouter:
    """Routes under /api/v1/me."""
    router = APIRouter(prefix="/api/v1/me", tags=["me"])
    truth, sessions = edge.identity.truth, edge.identity.sessions

    @router.get("", summary="Who I am: profile, tier, KYC and risk state, referral code", response_model=PersonView)
    async def me(request: Request) -> Response:
        async with truth.reading_as(user_of(request)) as reading:
            person = await people.of_id(reading, user_of(request))
        assert person is not None, "a session has its person"
        return answered(people.shown(person))

    @router.patch("", summary="Change what is mine to change", response_model=PersonView)
    async def change(request: Request, body: ProfileBody) -> Response:
        said = body.model_dump(exclude_none=True)
        if "preferences" in said:
            said["preferences"] = json.dumps(said["preferences"])
        user = user_of(request)
        try:
            async with truth.acting() as acting:
                await acting.change("users", {"id": user}, **said, updated_at=people.now_micros())
                detail = {"changed": sorted(said)}
                ip = caller_of(request).ip
                await people.note(acting, user, "account.updated", actor=user, ip=ip, detail=detail)
                person = await people.of_id(acting, user)
        except asyncpg.UniqueViolationError:
            raise ApiError(409, "username_taken", "Somebody else has this username.") from None
        assert person is not None, "a session has its person"
        return answered(people.shown(person))

    @router.get("/sessions", summary="Where I am, and was, signed in", response_model=SessionList)
    async def listed(request: Request) -> Response:
        return answered({"sessions": await sessions.listed(user_of(request))})

    @router.delete("/sessions/{session}", summary="End one session", response_model=EndedSession)
    async def end(request: Request, session: SessionPath) -> Response:
        if not await sessions.revoke(user_of(request), session, "ended_by_owner", caller_of(request)):
            raise ApiError(404, "not_found", "There is no such session that stands.")
        return answered({"session": session})

    @router.delete("/sessions", summary="End every session, this one too", response_model=EndedSessions)
    async def end_all(request: Request) -> Response:
        return answered({"ended": await sessions.revoke_all(user_of(request), "ended_by_owner", caller_of(request))})

    @router.get("/referrals", summary="My referral code, and how many came by it", response_model=Referrals)
    async def referrals(request: Request) -> Response:
        async with truth.acting() as acting:
            row = await acting.first(
                "SELECT (SELECT referral_code FROM users WHERE id = $1) AS code, "
                "(SELECT count(*) FROM users WHERE referred_by = $1) AS referred LIMIT 1",
                user_of(request),
            )
        assert row is not None, "one row, always"
        return answered(dict(row))

    @router.get("/log", summary="What happened to my access, newest first", response_model=LogPage)
    async def log(request: Request, before: BeforeLine = JSON_SAFE, limit: Limit = 50) -> Response:
        async with truth.reading_as(user_of(request)) as reading:
            rows = await reading.fetch(
                "SELECT id, at, kind, actor, ip, detail FROM account_log WHERE id < $1 ORDER BY id DESC LIMIT $2",
                before,
                limit,
            )
        return answered(paged({"log": [_line(dict(row)) for row in rows]}, "log", "id", limit))

    return router


def _line(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "detail": json.loads(row["detail"])}
