"""Routes found and given their parameters by the edge itself: as FastAPI would, whose description they are."""

from typing import Annotated, Any, Final

import msgspec
import pytest
from fastapi import Body, Depends, FastAPI, Header, Path, Query
from fastapi.routing import APIRoute, iter_route_contexts
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message

from services.gateway.edge.dispatch import Dispatch
from services.gateway.edge.errors import ApiError, install_error_handlers
from services.gateway.tests.answers import bare_api


class Wish(BaseModel):
    """What a request carries."""

    name: Annotated[str, Field(min_length=1, max_length=4)]
    count: int = 1


async def _nobody(connection: HTTPConnection) -> None:
    """Lets everybody in but one."""
    if connection.query_params.get("who") == "stranger":
        raise ApiError(401, "sign_in_required", "Sign in.")


async def _placed(cleartide_after: Annotated[int, Header(ge=0)] = 0) -> None:
    """Looks at a header."""


def _app() -> FastAPI:
    app = FastAPI(dependencies=[Depends(_nobody), Depends(_placed)])
    install_error_handlers(app)

    @app.get("/things/{thing}")
    async def one(
        thing: Annotated[str, Path(pattern="^[a-z]{1,4}$")],
        limit: Annotated[int, Query(ge=1, le=9)] = 5,
        since: int | None = None,
    ) -> Response:
        return Response(msgspec.json.encode([thing, limit, since]))

    @app.post("/things/{thing}/wishes")
    async def wish(request: Request, thing: str, body: Annotated[Wish, Body()]) -> Response:
        return Response(msgspec.json.encode([thing, body.name, body.count, request.url.path]), 201)

    @app.get("/faults/{kind}")
    async def fault(kind: str) -> Response:
        raise {"api": ApiError(409, "conflict", "No."), "store": OSError("away")}.get(kind, ZeroDivisionError(kind))

    return app


APP: Final = _app()
ASKED: Final = st.tuples(
    st.sampled_from(("GET", "POST", "DELETE")),
    st.sampled_from(
        (
            "/things/abc",
            "/things/TOOLONG",
            "/things/",
            "/things/abc/wishes",
            "/things//wishes",
            "/things/abc/wishes/",
            "/faults/api",
            "/faults/store",
            "/faults/other",
            "/none",
        )
    ),
    st.sampled_from((b"", b"limit=3", b"limit=x&since=y", b"limit=10", b"since=4&since=5", b"who=stranger&limit=0")),
    st.sampled_from((None, b"4", b"-1", b"x")),
    st.sampled_from((None, b"application/json", b"application/vnd.x+json; charset=utf-8", b"text/plain", b"nonsense")),
    st.sampled_from(
        (
            b"",
            b'{"name":"a"}',
            b'{"name":"","count":"x"}',
            b'{"name"',
            b"[]",
            b"null",
            b"[" * 100_000,
            b'{"name":"\xff"}',
        )
    ),
)


async def _answer(app: ASGIApp, asked: tuple[Any, ...]) -> tuple[list[Any], str]:
    """Status, header fields and body, and the fault that the server is told of."""
    method, path, query, after, kind, body = asked
    fields = [(b"cleartide-after", after), (b"content-type", kind)]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [field for field in fields if field[1] is not None],
        "server": ("here", 80),
        "scheme": "http",
    }
    said: list[Any] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        said.append((message.get("status"), sorted(message.get("headers", [])), message.get("body")))

    fault = ""
    try:
        await app(scope, receive, send)
    except Exception as error:
        fault = repr(error)
    return said, fault


@given(asked=ASKED)
async def test_a_request_is_answered_as_fastapi_would(asked: tuple[Any, ...]) -> None:
    """GW-ROUTE-001"""
    assert await _answer(Dispatch(APP), asked) == await _answer(APP, asked)


def test_every_route_is_found_where_fastapi_finds_it() -> None:
    """GW-ROUTE-002"""
    app = bare_api()
    dispatch, contexts = Dispatch(app), list(iter_route_contexts(app.routes))
    routes = [one for one in contexts if isinstance(one.original_route, APIRoute)]
    assert len(routes) > 100
    for one in routes:
        path = str(one.path).replace("{", "").replace("}", "")
        for method in one.methods or ():
            scope = {"type": "http", "method": method, "path": path}
            theirs = next(each for each in contexts if each.matches(scope)[0] == Match.FULL)
            found = dispatch.find(method, path)
            assert found is not None
            assert found[0].route is theirs.original_route is one.original_route
            assert found[1] == theirs.matches(scope)[1]["path_params"]


def test_what_it_cannot_give_is_told_when_the_edge_is_made() -> None:
    """GW-ROUTE-003"""
    app = FastAPI()

    @app.get("/")
    async def root(response: Response) -> Response:
        return response

    with pytest.raises(TypeError, match="not given here"):
        Dispatch(app)
