"""Knowing that the server has taken what a client sent."""

from nats.aio.client import Client


async def confirm(client: Client) -> None:
    """Wait until the server has taken every subscription and message that this client has sent so far.

    The client writes the ping of one `flush` ahead of what still waits in its buffer, so that its answer proves
    nothing about a subscription made just before. What waited is written by the time that answer comes, and so ahead
    of the second ping. Raises what `flush` raises: a timeout, or an error of the connection.
    """
    await client.flush()
    await client.flush()
