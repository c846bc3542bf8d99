"""Finds a request's route by the segments of its path, and gives it what FastAPI's declarations say that it takes.

FastAPI tries one pattern after another, twice, and works out with every request anew what its route and dependencies
want: a third of the processor time of an order. What they want is read from FastAPI's own description once, when the
edge is made, and checked by its own fields, so the document and the checks are one. What no route answers (404, 405, a
slash too many), WebSockets and files are left to FastAPI.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message as Head
from functools import lru_cache
from typing import Any, Final, cast

from fastapi import FastAPI
from fastapi._compat import get_missing_field_error
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.params import Param
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

Errors = list[dict[str, Any]]
_NOTHING: Final = object()


@dataclass(frozen=True, slots=True)
class Wanted:
    """One parameter: where it stands in a request, and its check."""

    name: str
    where: tuple[str, ...]
    alias: str
    required: bool
    default: Any
    validate: Callable[..., tuple[Any, Errors]]

    def put(self, value: Any, values: dict[str, Any], errors: Errors) -> None:
        """Into `values` when it is good, else say into `errors` what is wrong."""
        if value is not _NOTHING:
            values[self.name], wrong = self.validate(value, loc=self.where)
            errors += wrong
        elif self.required:
            errors.append(get_missing_field_error(loc=self.where))
        else:
            values[self.name] = self.default


class Taking:
    """A function, and what of a request it takes."""

    def __init__(self, dependant: Dependant) -> None:
        self._call = cast(Callable[..., Awaitable[Any]], dependant.call)
        self._path = [_wanted(one) for one in dependant.path_params]
        self._query = [_wanted(one) for one in dependant.query_params]
        self._headers = [_wanted(one) for one in dependant.header_params]
        self._request = dependant.request_param_name or dependant.http_connection_param_name
        others = (
            dependant.cookie_params,
            dependant.websocket_param_name,
            dependant.background_tasks_param_name,
            dependant.response_param_name,
            dependant.security_scopes_param_name,
        )
        if any(others):
            raise TypeError(f"{dependant.call} takes what is not given here")

    def values(self, request: Request, errors: Errors) -> dict[str, Any]:
        """What it is called with, but a body."""
        values: dict[str, Any] = {}
        _look(self._path, request.path_params, values, errors)
        if self._query:
            _look(self._query, request.query_params, values, errors)
        if self._headers:
            _look(self._headers, request.headers, values, errors)
        if self._request is not None:
            values[self._request] = request
        return values

    async def __call__(self, values: Mapping[str, Any]) -> Any:
        """Call it."""
        return await self._call(**values)


class Endpoint:
    """A route with all that is asked before it."""

    def __init__(self, route: APIRoute, dependant: Dependant, body: Any) -> None:
        """`dependant`: the route's and, in it, those of the application. `body`: the field of its body, if any."""
        self.route = route
        self._before = [Taking(one) for one in dependant.dependencies]
        self._taking = Taking(dependant)
        self._body = None if body is None else _wanted_body(body)

    async def answer(self, request: Request) -> Response:
        """What the route says. RequestValidationError tells all that is wrong with the request, ApiError one thing."""
        said = await _said(request) if self._body is not None else _NOTHING
        errors: Errors = []
        for before in self._before:
            wrong: Errors = []
            values = before.values(request, wrong)
            if not wrong:
                await before(values)
            errors += wrong
        values = self._taking.values(request, errors)
        if self._body is not None:
            self._body.put(said, values, errors)
        if errors:
            raise RequestValidationError(errors, body=None if said is _NOTHING else said)
        return cast(Response, await self._taking(values))

    async def require_open(self, request: Request) -> None:
        """What is asked before the route, alone. Raises ApiError."""
        for before in self._before:
            await before(before.values(request, []))


@dataclass(slots=True)
class _Segment:
    """What may follow one segment of a path; a literal comes before a parameter."""

    literal: "dict[str, _Segment]" = field(default_factory=dict)
    parameter: "_Segment | None" = None
    ends: dict[str, tuple[Endpoint, tuple[str, ...]]] = field(default_factory=dict)
    """By method: a route, and the names of its parameters in order."""

    def find(
        self, segments: Sequence[str], place: int, method: str, given: tuple[str, ...] = ()
    ) -> tuple[Endpoint, dict[str, str]] | None:
        """The route of what is left from `place` on, with its parameters."""
        if place == len(segments):
            end = self.ends.get(method)
            return None if end is None else (end[0], dict(zip(end[1], given, strict=True)))
        segment = segments[place]
        next_ = self.literal.get(segment)
        found = next_.find(segments, place + 1, method, given) if next_ is not None else None
        if found is None and self.parameter is not None and segment:
            return self.parameter.find(segments, place + 1, method, (*given, segment))
        return found


class Dispatch:
    """An ASGI application in front of a FastAPI application, whose routes it calls."""

    def __init__(self, app: FastAPI) -> None:
        """The application's routes as they are now."""
        self._app, self._handlers = app, app.exception_handlers
        self._root = _Segment()
        for context in iter_route_contexts(app.routes):
            if isinstance(route := context.original_route, APIRoute):
                endpoint = Endpoint(route, context.dependant, context.body_field)
                for method in context.methods or ():
                    self._add(method, str(context.path), endpoint)

    def _add(self, method: str, path: str, endpoint: Endpoint) -> None:
        at, names = self._root, []
        for segment in path.split("/"):
            if segment.startswith("{"):
                names.append(segment.strip("{}"))
                at.parameter = at.parameter or _Segment()
                at = at.parameter
            else:
                at = at.literal.setdefault(segment, _Segment())
        at.ends.setdefault(method, (endpoint, tuple(names)))

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        """A route with its parameters as text; None: FastAPI shall say what there is."""
        return self._root.find(path.split("/"), 0, method)

    async def require_open(self, scope: Scope, receive: Receive) -> None:
        """Whether the request may be made, without making it: its answer is there already. Raises ApiError."""
        if (found := self.find(scope["method"], scope["path"])) is not None:
            endpoint, scope["path_params"] = found
            scope["route"] = endpoint.route
            await endpoint.require_open(Request(scope, receive))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self.find(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if found is None:
            await self._app(scope, receive, send)
            return
        endpoint, scope["path_params"] = found
        scope["route"], begun = endpoint.route, False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        request = Request(scope, receive, send)
        try:
            response = await endpoint.answer(request)
            await response(scope, receive, sending)
        except Exception as error:
            kind = next(kind for kind in type(error).__mro__ if kind in self._handlers)
            if not begun:
                said = await cast(Any, self._handlers[kind])(request, error)
                await said(scope, receive, send)
            if begun or kind is Exception:
                raise


def _look(wanted: Sequence[Wanted], given: Mapping[str, Any], values: dict[str, Any], errors: Errors) -> None:
    for one in wanted:
        one.put(given.get(one.alias, _NOTHING), values, errors)


def _wanted(one: Any) -> Wanted:
    """A parameter in the path, query or head: one text."""
    info = one.field_info
    assert isinstance(info, Param)
    if getattr(info, "in_", None) is None or info.validate_default or info.default_factory is not None:
        raise TypeError(f"{one.name} is not a parameter as those here are")
    return Wanted(one.name, (info.in_.value, one.alias), one.alias, info.is_required(), info.default, one.validate)


def _wanted_body(one: Any) -> Wanted:
    return Wanted(one.name, ("body",), "", one.field_info.is_required(), one.field_info.default, one.validate)


async def _said(request: Request) -> Any:
    """The body, decoded if it says that it is JSON. RequestValidationError or HTTPException 400 when it is not."""
    body = await request.body()
    if not body:
        return _NOTHING
    if not _is_json(request.headers.get("content-type", "")):
        return body
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        wrong = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error", "input": {}}
        raise RequestValidationError([{**wrong, "ctx": {"error": error.msg}}], body=error.doc) from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "There was an error parsing the body") from error


@lru_cache(maxsize=256)
def _is_json(content_type: str) -> bool:
    head = Head()
    head["content-type"] = content_type
    return head.get_content_maintype() == "application" and (
        head.get_content_subtype() == "json" or head.get_content_subtype().endswith("+json")
    )
