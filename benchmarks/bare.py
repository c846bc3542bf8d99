"""A bare FastAPI handler that answers with the bytes of a file: what `benchmarks.rest` measures the gateway against."""

import argparse
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.responses import Response


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bare")
    parser.add_argument("port", type=int)
    parser.add_argument("payload", type=Path)
    given = parser.parse_args()
    body = given.payload.read_bytes()
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def answer(path: str) -> Response:  # noqa: ARG001 - whatever is asked
        return Response(body, media_type="application/json")

    uvicorn.run(app, host="127.0.0.1", port=given.port, access_log=False, log_config=None, backlog=1_024)


if __name__ == "__main__":
    main()
