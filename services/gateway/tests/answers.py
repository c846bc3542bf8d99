"""Holds answers against what their routes are documented to answer: every field, none more, exactly typed."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from pydantic import TypeAdapter, ValidationError
from starlette.routing import compile_path

from services.gateway.edge.application import api
from services.gateway.edge.context import Edge


class Bare:
    """In an edge's place where only the routes' form is asked for."""

    def __getattr__(self, name: str) -> "Bare":
        return self

    async def authorise(self) -> None:
        """Nobody comes."""


def bare_api() -> FastAPI:
    """The routes, with nothing behind them."""
    return api(cast("Edge", Bare()))


def check(method: str, path: str, text: bytes) -> None:
    """Whether a success of `path` is as its route says. AssertionError with what is not."""
    kind = type_of(method, path.partition("?")[0])
    if kind is None:
        return
    try:
        _model(kind).validate_json(text, strict=True, extra="forbid")
    except ValidationError as error:
        told = [{"where": ".".join(map(str, item["loc"])), "problem": item["msg"]} for item in error.errors()[:5]]
        raise AssertionError(f"{method} {path} answers what its route does not say: {told}") from None


def type_of(method: str, path: str) -> Any:
    """What the first route that takes the path answers; None where it answers no JSON."""
    return next((kind for name, pattern, kind in _routes() if name == method and pattern.fullmatch(path)), None)


@cache
def _model(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@cache
def _routes() -> list[tuple[str, "re.Pattern[str]", Any]]:
    return list(_found())


def _found() -> Iterator[tuple[str, "re.Pattern[str]", Any]]:
    for route in iter_route_contexts(bare_api().routes):
        kind = getattr(route, "response_model", None)
        for method in route.methods or ():
            yield method, compile_path(str(route.path))[0], kind
