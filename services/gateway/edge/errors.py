"""The one error form of the API: {"error": {"code", "message", "detail"}}, whatever went wrong."""

from collections.abc import Mapping
from typing import Any, Final

import asyncpg
import msgspec
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

log = structlog.get_logger()

_STORE_AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.QueryCanceledError,
    OSError,
)
"""What a database that is away, full or slow raises. It is told as 503; nobody is let in meanwhile."""
_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed"}


class ApiError(Exception):
    """What a caller is told. `code` is stable and for machines, `message` is for people."""

    def __init__(
        self, status: int, code: str, message: str, detail: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.detail = status, code, message, detail
        self.headers = dict(headers or {})
        if status == 401:
            self.headers.setdefault("WWW-Authenticate", 'Bearer realm="cleartide"')


def error_body(code: str, message: str, detail: Any = None) -> dict[str, Any]:
    """The error form as an object."""
    return {"error": {"code": code, "message": message, "detail": detail}}


def error_response(error: ApiError, headers: Mapping[str, str] | None = None) -> Response:
    """The error form as a response."""
    body = msgspec.json.encode(error_body(error.code, error.message, error.detail))
    fields = {"Cache-Control": "no-store", **error.headers, **(headers or {})}
    return Response(body, error.status, fields, media_type="application/json")


def store_unavailable(error: BaseException) -> ApiError:
    """The API's form of a database that does not answer."""
    log.warning("store_unavailable", error=f"{type(error).__name__}: {error}"[:200])
    return ApiError(503, "store_unavailable", "The gateway's database does not answer.", headers={"Retry-After": "1"})


async def _on_api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error_response(error)


async def _on_store_error(_request: Request, error: Exception) -> Response:
    return error_response(store_unavailable(error))


async def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    detail = [{"where": ".".join(map(str, item["loc"])), "problem": item["msg"]} for item in error.errors()]
    return error_response(ApiError(422, "invalid_parameter", "A parameter is not valid.", detail))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "http_error")
    wrapped = ApiError(error.status_code, code, str(error.detail), {"path": request.url.path})
    return error_response(wrapped, error.headers)


async def _on_fault(_request: Request, _error: Exception) -> Response:
    return error_response(ApiError(500, "internal", "The gateway failed on this request."))


def install_error_handlers(app: FastAPI) -> None:
    """Every way a request can fail leads to the one form."""
    app.add_exception_handler(ApiError, _on_api_error)
    for kind in _STORE_AWAY:
        app.add_exception_handler(kind, _on_store_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_fault)
