"""A bare FastAPI handler that places the same order as the gateway, and answers once matching has decided.

The least that a durable order over HTTP takes, and all that it does: the body read by FastAPI, a command made by the
client that anyone has, its acknowledgement by JetStream, the events that it caused. Nobody is asked who he is, nothing
is limited, counted, remembered or logged, and the events are told as they came.
"""

import argparse
import asyncio
import json
from typing import Any, Literal

import uvicorn
from cleartide.client import Client
from cleartide.connect import connected, nats_broker
from fastapi import FastAPI
from nats.aio.msg import Msg
from pydantic import BaseModel
from starlette.responses import JSONResponse

from services.gateway.live.tail import SUBJECT


class Wish(BaseModel):
    """An order as its person sends it."""

    market: str
    side: Literal["buy", "sell"]
    size: str
    price: str
    time_in_force: Literal["gtc", "ioc"]


class Decided:
    """Who waits for what a command causes."""

    def __init__(self) -> None:
        self.waiting: dict[str, asyncio.Future[list[dict[str, Any]]]] = {}

    async def hear(self, message: Msg) -> None:
        """Tell each command of a message its own events."""
        caused: dict[str, list[dict[str, Any]]] = {}
        for event in json.loads(message.data):
            caused.setdefault(event["causation_id"], []).append(event)
        for command in self.waiting.keys() & caused.keys():
            self.waiting.pop(command).set_result(caused[command])


async def serve(port: int, url: str, user: str, password: str) -> None:
    """Serve until stopped."""
    app, decided, ids = FastAPI(), Decided(), iter(range(1 << 62))
    broker = nats_broker(url, user, password, "bare-orders")
    connection = await connected(broker, give_up_after=10)
    await connection.subscribe(SUBJECT, cb=decided.hear)
    client = Client(connection, "bare")

    @app.post("/api/v1/accounts/{account}/orders", status_code=201)
    async def place(account: str, wish: Wish) -> JSONResponse:
        name = f"bare-{next(ids)}"
        answer = decided.waiting[f"bare-order-{account}-{name}"] = asyncio.get_running_loop().create_future()
        receipt = await client.place_order(account=account, client_order_id=name, **wish.model_dump())
        return JSONResponse({"position": receipt.stream_seq, "events": await answer}, 201)

    config = uvicorn.Config(app, host="127.0.0.1", port=port, access_log=False, log_config=None, backlog=1_024)
    try:
        await uvicorn.Server(config).serve()
    finally:
        await broker.stop()


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bare_orders")
    parser.add_argument("port", type=int)
    parser.add_argument("url")
    parser.add_argument("user")
    parser.add_argument("password")
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.url, given.user, given.password))


if __name__ == "__main__":
    main()
