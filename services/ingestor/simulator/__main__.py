"""python -m services.ingestor.simulator --recording FILE [--venue NAME ...] [--capture NAME=...]: venues on loopback.

Binance USD-M is played byte for byte from its recordings, one a symbol; every other venue is derived from them: the
same markets, told in that venue's protocol, over its handshakes, heartbeats and snapshots. With --capture a venue plays
frames of its own that somebody captured, once and as they are, as in --capture bybit=XRPUSDT,0.0001,1,ob500.jsonl.gz
With CLEARTIDE_SIMULATOR_TOKEN set, whoever brings that token may let the prices fall: see `control`.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from pathlib import Path

from services.ingestor.simulator import faults
from services.ingestor.simulator.capture import CapturedStage
from services.ingestor.simulator.control import TOKEN_VARIABLE
from services.ingestor.simulator.faults import Faults
from services.ingestor.simulator.host import RECORDED, Host, every_venue
from services.ingestor.simulator.recording import Recording
from services.ingestor.simulator.replay import Pace, Replay
from services.ingestor.simulator.server import LIFETIME_SECONDS
from services.ingestor.simulator.tape import Captured
from services.ingestor.simulator.twin import Traded, twins


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
    parser.add_argument(
        "--recording",
        type=Path,
        action="append",
        default=[],
        help="gzipped collector file; needed unless all venues are captured; again for a further symbol",
    )
    parser.add_argument(
        "--capture",
        action="append",
        default=[],
        metavar="NAME=SYMBOL,TICK,LOT,FILE",
        help="play this venue's captured frames of a symbol; LOT in the venue's size units; again for a further file",
    )
    parser.add_argument(
        "--venue",
        action="append",
        default=[],
        metavar="NAME[=SYMBOL[@RECORDED][:OFFSET],...]",
        help=f"a venue, or all (default {RECORDED} if there is a recording, which trades what is recorded); a symbol "
        "follows the recording of RECORDED (default its own, or else the first), with prices OFFSET higher. "
        f"{', '.join(every_venue())}",
    )
    parser.add_argument("--speed", default="1.0", help="1.0: the recording's own pace; max: as fast as clients read")
    parser.add_argument("--loop", action="store_true", help="start again at the end, ids and times going on")
    parser.add_argument("--shift-time", action="store_true", help="move event times to now (speed 1.0 only)")
    parser.add_argument("--wait", action="store_true", help="begin when a client has subscribed")
    parser.add_argument("--until-line", type=int, help="play only up to this line of the recording")
    parser.add_argument("--lifetime", type=float, default=LIFETIME_SECONDS, help="seconds until a socket is cut")
    parser.add_argument("--fault", action="append", default=[], metavar="[VENUE/]KIND:...", help="see below")
    return parser.parse_args(arguments)


def captured_of(texts: Sequence[str], wanted: Mapping[str, Faults], speed: float) -> list[CapturedStage]:
    """The captures of the command line. Raises ValueError for what is none, OSError for a file that cannot be read."""
    files: dict[tuple[str, str, str, str], list[Path]] = {}
    for text in texts:
        name, _, rest = text.partition("=")
        symbol, tick, lot, path = ([*rest.split(",", 3), "", "", ""])[:4]
        if name not in twins() or not path:
            raise ValueError(f"--capture {text}: NAME=SYMBOL,TICK,LOT,FILE with one of {', '.join(sorted(twins()))}")
        files.setdefault((name, symbol, tick, lot), []).append(Path(path))
    stages = []
    for (name, symbol, tick, lot), paths in files.items():
        twin = twins()[name]([Traded(symbol, tick=tick, lot=lot)])
        stages.append(CapturedStage(twin, Captured.of(twin, paths), wanted.get(name), speed))
    return stages


def traded_of(texts: Sequence[str]) -> dict[str, list[Traded]]:
    """The venues and symbols of the command line. Raises ValueError for an offset that is no number."""
    found: dict[str, list[Traded]] = {}
    for text in texts:
        name, _, symbols = text.partition("=")
        for each in every_venue() if name == "all" else [name]:
            found[each] = [_traded(symbol) for symbol in symbols.split(",") if symbol]
    return found


def _traded(text: str) -> Traded:
    named, _, offset = text.partition(":")
    symbol, _, recorded = named.partition("@")
    try:
        return Traded(symbol, Decimal(offset or "0"), recorded=recorded)
    except InvalidOperation as error:
        raise ValueError(f"{offset!r} is no price") from error


def faults_of(texts: Sequence[str], only: str) -> dict[str, Faults]:
    """The faults of the command line by venue; without a venue they are those of `only`."""
    found: dict[str, Faults] = {}
    for text in texts:
        venue, slash, fault = text.rpartition("/")
        found.setdefault(venue if slash else only, Faults()).add(fault)
    return found


async def simulate(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    own = {text.partition("=")[0] for text in options.capture}
    told = traded_of(options.venue or ([RECORDED] if options.recording else []))
    traded = {name: symbols for name, symbols in told.items() if name not in own}
    if (traded and not options.recording) or not (traded or options.capture):
        raise ValueError("give a --recording, or a --capture for each venue")
    named = [*traded, *sorted(own)]
    wanted = faults_of(options.fault, named[0] if len(named) == 1 else RECORDED)
    pace = Pace(0.0 if options.speed == "max" else float(options.speed), options.loop, options.shift_time)
    recordings = [Recording(path, options.until_line) for path in options.recording] if traded else []
    # Faults go by the lines of one recording: the first.
    own_faults = [wanted.get(RECORDED, Faults()), *(Faults() for _ in recordings[1:])]
    replays = [Replay(each, pace, faults) for each, faults in zip(recordings, own_faults, strict=False)]
    captured = captured_of(options.capture, wanted, pace.speed)
    host = Host(
        replays, traded, wanted, captured=captured, lifetime=options.lifetime, token=os.environ.get(TOKEN_VARIABLE, "")
    )
    port = await host.start(options.port, options.host)
    for name in named:
        address = f"{options.host}:{port}/{name}"
        print(f"venue simulator: {name} on ws://{address} http://{address}", flush=True)  # noqa: T201
    playing = asyncio.create_task(host.play(wait=options.wait))
    await asyncio.wait((playing, asyncio.ensure_future(stopping.wait())), return_when=asyncio.FIRST_COMPLETED)
    if playing.done():
        playing.result()
        await stopping.wait()
    playing.cancel()
    with suppress(asyncio.CancelledError):
        await playing
    await host.stop()


if __name__ == "__main__":
    try:
        asyncio.run(simulate(parsed()))
    except (ValueError, OSError) as error:
        sys.exit(f"simulator: {error}")
