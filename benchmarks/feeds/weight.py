"""What seven venues with fifty symbols each weigh, a whole book of the recording's size in every one of them.

`python -m benchmarks.feeds.weight FILE` measures in a process of its own, which has the adapters and of the simulator
nothing but its frames: one JSON object per line, {"venue", "listing", "symbols", "frames", "answers"}.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.report import Row
from services.ingestor.adapters.protocol import FetchSnapshot
from services.ingestor.adapters.venue import venues

ROOT: Final = Path(__file__).parents[2]
SYMBOLS: Final = {
    "aster": "X{:02}USDT",
    "bybit": "X{:02}USDT",
    "cryptocom": "X{:02}USD-PERP",
    "hyperliquid": "X{:02}",
    "kucoin": "X{:02}USDTM",
    "lighter": "X{:02}",
    "paradex": "X{:02}-USD-PERP",
}
EACH: Final = 50
LINES: Final = 1_600


async def weight_rows() -> list[Row]:
    """Memory and start."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        for name in SYMBOLS:
            file.write(json.dumps(await _told(name)) + "\n")
        file.flush()
        found = _loaded(file.name)
    note = f"{found['books']} books of {found['levels']} levels, before them {found['bare']:.0f} MB"
    return [
        Row("feeds.weight.memory", round(found["megabytes"]), "MB", aim="< 200", note=note),
        Row("feeds.weight.start", round(found["start"], 2), "s", aim="< 1", note="processor time, imports included"),
    ]


def _loaded(path: str) -> dict[str, Any]:
    variables = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "libs" / "common")))}
    command = [sys.executable, "-m", "benchmarks.feeds.weight", path]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def _told(name: str) -> dict[str, Any]:
    """What a venue says of fifty symbols until its books are there."""
    from services.ingestor.simulator.replay import Pace, Replay
    from services.ingestor.simulator.stage import Stage
    from services.ingestor.simulator.twin import Traded, twins
    from services.ingestor.tests.rig import first_lines
    from services.ingestor.tests.venues.stand import asked

    replay = Replay(first_lines(LINES), Pace(0.0))
    symbols = [SYMBOLS[name].format(number) for number in range(EACH)]
    stage = Stage(twins()[name]([Traded(symbol) for symbol in symbols]), replay.market)
    await replay.run()
    for symbol in symbols:
        stage.twin.numbers[symbol] = replay.market.last
    views = stage.views
    frames: list[str] = []
    answers: dict[str, str] = {}
    listing = [stage.twin.http(asked(request), views) or b"" for request in venues()[name].listing]
    core: Any = venues()[name].core(venues()[name].instruments(listing, symbols, {}), {})
    for symbol in symbols:
        frames += [raw.decode() for raw in stage.twin.snapshot(symbol, views[symbol])]
        for wish in core.resync(symbol, 0, ""):
            if isinstance(wish, FetchSnapshot):
                answers[symbol] = (stage.twin.http(asked(wish.request), views) or b"").decode()
    told = {"venue": name, "listing": [each.decode() for each in listing], "symbols": symbols}
    return told | {"frames": frames, "answers": answers}


def main() -> None:
    """Load every book and say what it took."""
    bare = _megabytes()
    cores = []
    for text in Path(sys.argv[1]).read_text().splitlines():
        told = json.loads(text)
        venue = venues()[told["venue"]]
        instruments = venue.instruments([each.encode() for each in told["listing"]], told["symbols"], {})
        core: Any = venue.core(instruments, {})
        for route in core.routes:
            core.connected(route.name, 1)
        for frame in told["frames"]:
            core.frame(frame, 1)
        for symbol, answer in told["answers"].items():
            core.symbols[symbol].sync.ask()
            core.snapshot(symbol, answer.encode(), 1)
        cores.append(core)
    books = [feed.sync.book for core in cores for feed in core.symbols.values() if feed.sync.book is not None]
    levels = max(len(book.bids.lots) + len(book.asks.lots) for book in books)
    found = {"megabytes": _megabytes(), "bare": bare, "books": len(books), "levels": levels}
    print(json.dumps(found | {"start": _STARTED}))


def _megabytes() -> float:
    """Resident now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


_STARTED: Final = time.process_time()

if __name__ == "__main__":
    main()
