"""Run the benchmarks: all of them, or one by id."""

import argparse
import asyncio
import importlib
from typing import Final

BENCHMARKS: Final = {
    "durable_hop": "benchmarks.hop",
    "hop_latency": "benchmarks.latency",
    "chain": "benchmarks.chain",
    "sequencer": "benchmarks.sequencer",
    "conditional": "benchmarks.conditional",
    "takeover": "benchmarks.takeover",
    "lifecycle": "benchmarks.lifecycle",
    "suite": "benchmarks.suite",
    "restart": "benchmarks.restart",
    "funding": "benchmarks.funding",
    "crash": "benchmarks.crash",
    "engine": "benchmarks.engine.run",
    "feeds": "benchmarks.feeds.run",
    "store": "benchmarks.store",
    "chunks": "benchmarks.chunks",
    "earnings": "benchmarks.earnings",
    "risk_scale": "benchmarks.risk_scale.run",
    "risk_proof": "benchmarks.risk_scale.proof",
    "risk_live": "benchmarks.risk_scale.live",
    "analytics": "benchmarks.analytics.run",
    "archive": "benchmarks.analytics.archive",
    "history100m": "benchmarks.analytics.history",
    "rest": "benchmarks.rest",
    "live": "benchmarks.live",
    "dashboard": "benchmarks.dashboard",
    "quickstart": "benchmarks.quickstart",
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("only", nargs="*", choices=[*BENCHMARKS, []], help="run these; default: all")
    only = parser.parse_args().only
    for name, module in BENCHMARKS.items():
        if not only or name in only:
            print(f"== {name}", flush=True)
            asyncio.run(importlib.import_module(module).run())


if __name__ == "__main__":
    main()
