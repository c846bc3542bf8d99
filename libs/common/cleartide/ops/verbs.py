"""Verbs of `cleartide` on a running system: sub, pub, tail, replay, trace, ask, demo, doctor. Their work comes late."""

import argparse
import importlib
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, Final

from cleartide.ops import verb_rule

WORK: Final = "cleartide.ops.verbs_run"
STREAMS: Final = "a stream, such as COMMANDS, EVENTS, MARKET, RISK or DEAD_LETTERS"

Run = Callable[[argparse.Namespace], Awaitable[int | None]]


def _late(name: str) -> Run:
    async def run(arguments: argparse.Namespace) -> int | None:
        done: int | None = await getattr(importlib.import_module(WORK), name)(arguments)
        return done

    return run


def _failures() -> tuple[type[BaseException], ...]:
    failures: tuple[type[BaseException], ...] = importlib.import_module(WORK).FAILURES
    return failures


def add_parsers(commands: Any) -> None:
    """The verbs. Addresses and passwords come from the environment or from the stack of this folder."""

    def add(name: str, text: str, example: str = "") -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = commands.add_parser(
            name,
            help=text,
            description=text[:1].upper() + text[1:] + ".",
            epilog=f"Example: cleartide {name} {example}".rstrip(),
        )
        parser.set_defaults(run=_late(name), failures=_failures)
        parser.add_argument("--json", action="store_true", help="whole messages as JSON")
        return parser

    sub = add("sub", "print what is said on a subject, e.g. 'risk.alerts.>'", "'risk.alerts.critical.>' --count 3")
    sub.add_argument("subject")
    sub.add_argument("--user", default="viewer", help="as whom to listen (default: viewer)")
    sub.add_argument("--count", type=int, default=0, help="end after so many messages")
    pub = add("pub", "publish a command, given as JSON or as - for standard input", "- < command.json")
    pub.add_argument("message")
    pub.add_argument("--user", help="as whom to publish (default: operator for admin commands, otherwise trader)")
    tail = add("tail", "print the last messages of a stream", "EVENTS --last 5 --follow")
    tail.add_argument("stream", help=STREAMS)
    tail.add_argument("--last", type=int, default=10, help="so many of them (default: 10)")
    tail.add_argument("--follow", action="store_true", help="go on with what comes")
    replay = add(
        "replay", "print stored messages again, in order and at their own pace", "RISK --first 1 --last 20 --speed 10"
    )
    replay.add_argument("stream", help=STREAMS)
    replay.add_argument("--first", type=int, default=1, help="number in the stream to begin with")
    replay.add_argument("--last", type=int, default=0, help="number to end with (default: the end)")
    replay.add_argument(
        "--speed", type=float, default=0, help="1 is the pace of then, 10 ten times it (default: at once)"
    )
    trace = add("trace", "show an alert back to the frame that caused it", "1")
    trace.add_argument("id", help="an alert's number, or a message id")
    ask = add(
        "ask",
        "ask the archive of closed days in SQL, e.g. 'SELECT count(*) FROM trades'",
        "'SELECT day, count(*) FROM trades GROUP BY day'",
    )
    ask.add_argument("sql", help="of the datasets it names; each has the column `day`")
    ask.add_argument(
        "--from", dest="since", type=date.fromisoformat, metavar="DAY", help="first day (default: 30 before the last)"
    )
    ask.add_argument("--to", type=date.fromisoformat, metavar="DAY", help="last day (default: today, UTC)")
    _add_demo(commands)
    add("doctor", "check the system and say what to do about each fault")
    verb_rule.add_parser(commands)


def _add_demo(commands: Any) -> None:
    """Of a sandbox alone: what is done there is real."""
    text = "try a sandbox: let its market crash, kill a service, and see what becomes of it"
    demo = commands.add_parser(
        "demo",
        help=text,
        description=text[:1].upper() + text[1:] + ".",
        epilog="Example: cleartide demo crash --market BTC --drop 12%",
    )
    kinds = demo.add_subparsers(dest="kind", required=True, metavar="KIND")

    def add(name: str, text: str, example: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = kinds.add_parser(
            name,
            help=text,
            description=text[:1].upper() + text[1:] + ".",
            epilog=f"Example: cleartide demo {name} {example}",
        )
        parser.set_defaults(run=_late(name), failures=_failures)
        return parser

    crash = add(
        "crash", "let the replayed venues' prices fall; they come back by themselves", "--market BTC --drop 12%"
    )
    crash.add_argument("--market", required=True, help="a market, such as BTC-PERP, or its base")
    crash.add_argument("--drop", required=True, metavar="PERCENT", help="how far: 0.5 to 50 per cent")
    crash.add_argument("--over", type=int, default=20, metavar="SECONDS", help="in how many seconds (default: 20)")
    kill = add("kill", "end a service by SIGKILL; count what was lost or doubled when it is back", "risk")
    kill.add_argument("service", help="risk, matching, ingestor, ...: any of `make ps`")
