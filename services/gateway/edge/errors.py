"""The one error form of the API: {"error": {"code", "message", "detail"}}, whatever went wrong."""

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

_CODES = {404: "not_found", 405: "method_not_allowed"}


class ApiError(Exception):
    """What a caller is told. `code` is stable and for machines, `message` is for people."""

    def __init__(self, status: int, code: str, message: str, detail: Any = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.detail = status, code, message, detail


def error_body(code: str, message: str, detail: Any = None) -> dict[str, Any]:
    """The error form as an object."""
    return {"error": {"code": code, "message": message, "detail": detail}}


def error_response(error: ApiError, headers: Mapping[str, str] | None = None) -> Response:
    """The error form as a response."""
    body = msgspec.json.encode(error_body(error.code, error.message, error.detail))
    return Response(body, error.status, headers, media_type="application/json")


async def _on_api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return error_response(error)


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
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_fault)
