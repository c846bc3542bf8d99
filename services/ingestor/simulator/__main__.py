"""python -m services.ingestor.simulator --port N --recording FILE: a Binance USD-M venue on loopback."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from services.ingestor.simulator import faults
from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.recording import Recording
from services.ingestor.simulator.replay import Pace, Replay
from services.ingestor.simulator.server import LIFETIME_SECONDS, PREFIX, VenueServer


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m services.ingestor.simulator",
        description=__doc__,
        epilog=faults.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 picks a free one and prints it")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; loopback unless in a container")
    parser.add_argument("--recording", type=Path, required=True, help="gzipped collector file")
    parser.add_argument("--speed", default="1.0", help="1.0: the recording's own pace; max: as fast as clients read")
    parser.add_argument("--loop", action="store_true", help="start again at the end, ids and times going on")
    parser.add_argument("--shift-time", action="store_true", help="move event times to now (speed 1.0 only)")
    parser.add_argument("--wait", action="store_true", help="begin with the first subscription to a depth stream")
    parser.add_argument("--until-line", type=int, help="play only up to this line of the recording")
    parser.add_argument("--lifetime", type=float, default=LIFETIME_SECONDS, help="seconds until a socket is cut")
    parser.add_argument("--fault", action="append", default=[], metavar="KIND:...", help="commit a fault, see below")
    return parser.parse_args(arguments)


async def simulate(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    wanted = Faults()
    for text in options.fault:
        wanted.add(text)
    pace = Pace(0.0 if options.speed == "max" else float(options.speed), options.loop, options.shift_time)
    replay = Replay(Recording(options.recording, options.until_line), pace, wanted)
    server = VenueServer(replay, options.lifetime)
    port = await server.start(options.port, options.host)
    address = f"{options.host}:{port}"
    print(f"venue simulator: {replay.recording.symbol} on ws://{address}{PREFIX} http://{address}{PREFIX}", flush=True)  # noqa: T201
    playing = asyncio.create_task(replay.run(options.wait))
    await asyncio.wait((playing, asyncio.ensure_future(stopping.wait())), return_when=asyncio.FIRST_COMPLETED)
    if playing.done():
        playing.result()
        await stopping.wait()
    playing.cancel()
    with suppress(asyncio.CancelledError):
        await playing
    await server.stop()


if __name__ == "__main__":
    try:
        asyncio.run(simulate(parsed()))
    except ValueError as error:
        sys.exit(f"simulator: {error}")
