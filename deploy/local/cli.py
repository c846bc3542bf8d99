"""The commands behind `make up`, `down`, `ps`, `logs`, `restart`, `stop`, `start`, `rebuild`."""

import argparse
import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from deploy.local.control import ask
from deploy.local.errors import StackError
from deploy.local.guests import admitted, environment_of
from deploy.local.logs import follow
from deploy.local.report import Report
from deploy.local.settings import ROOT, Home, Settings, from_environment
from deploy.local.sign_in import link_from
from deploy.local.state import clear_leftovers, is_locked, read_state

if TYPE_CHECKING:
    from deploy.local.build import Planner

_POLL_SECONDS = 0.05
_START_SECONDS = 300.0
_STOP_SECONDS = 60.0
_TAIL_LINES = 100
_READY = b"ready"


def main(arguments: list[str], planner: "Planner | None" = None) -> int:
    """Run one command; a failure is one sentence and exit code 1. `planner`: another process table than ours."""
    parsed = _parser().parse_args(arguments)
    parsed.planner = planner
    try:
        return asyncio.run(parsed.command(from_environment(), parsed)) or 0
    except StackError as error:
        print(f"cleartide: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        print(f"cleartide: {error.strerror}:{where}; mend that or set CLEARTIDE_HOME elsewhere.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


async def up(settings: Settings, arguments: argparse.Namespace) -> int:
    """Start the stack, or say where it runs."""
    if is_locked(settings.home.lock):
        return await _show_running(settings.home)
    if arguments.detach:
        return await _detach(arguments)
    # Not needed by the other commands, and slow to import.
    from deploy.local.build import plan
    from deploy.local.run import AlreadyRunsError, Run

    report = Report(as_json=arguments.json, all_logs=arguments.logs)
    try:
        await Run(
            settings, report, lambda: _leave(settings.home, arguments.ready_fd, report), arguments.planner or plan
        ).run()
    except AlreadyRunsError:
        return await _show_running(settings.home)
    return 0


async def down(settings: Settings, _: argparse.Namespace) -> int:
    """Stop the stack and whatever is left of it."""
    home, began = settings.home, time.monotonic()
    if is_locked(home.lock):
        await ask(_address(home), "down")
        while is_locked(home.lock):
            if time.monotonic() - began > _STOP_SECONDS:
                pid = read_state(home.state).get("supervisor", {}).get("pid")
                raise StackError(f"The supervisor (pid {pid}) does not end: `kill -9 {pid}` ends it and its children.")
            await asyncio.sleep(_POLL_SECONDS)
        print(f"Stopped in {time.monotonic() - began:.2f} s.")
        return 0
    killed = await clear_leftovers(read_state(home.state))
    print(f"Ended what a killed supervisor left: {', '.join(killed)}." if killed else "Nothing runs.")
    return 0


async def ps(settings: Settings, arguments: argparse.Namespace) -> int:
    """List the units."""
    state = await _running(settings.home)
    if arguments.json:
        import json

        print(json.dumps(state["units"], indent=2))
        return 0
    print(f"{'NAME':<17} {'STATE':<11} {'PID':>7} {'PORT':>6} {'SECONDS':>8} {'RESTARTS':>8}")
    for unit in state["units"]:
        pid, port, seconds = (unit[key] if unit[key] is not None else "-" for key in ("pid", "port", "seconds"))
        print(f"{unit['name']:<17} {unit['state']:<11} {pid:>7} {port:>6} {seconds:>8} {unit['restarts']:>8}")
    return 0


async def url(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print one address of the running stack."""
    urls = (await _running(settings.home))["urls"]
    if arguments.name not in urls:
        raise StackError(f"There is no address {arguments.name!r}: choose from {', '.join(urls)}.")
    print(urls[arguments.name])
    return 0


async def guest(settings: Settings, arguments: argparse.Namespace) -> int:
    """Admit a service of the user's own; of one that the running stack knows, print what it is to be started with."""
    if not is_locked(settings.home.lock):
        print(admitted(settings, arguments.name))
        return 0
    print(environment_of(arguments.name, (await _running(settings.home))["urls"]))
    return 0


async def sign_in(settings: Settings, _: argparse.Namespace) -> int:
    """Print a link by which this machine's operator signs in."""
    urls = (await _running(settings.home))["urls"]
    print(link_from(settings.home.secrets, urls["dashboard"]))
    return 0


async def logs(settings: Settings, arguments: argparse.Namespace) -> int:
    """Show logs, and follow them while the stack runs."""
    home = settings.home
    names = [arguments.name] if arguments.name else sorted(path.stem for path in home.logs.glob("*.log"))
    if arguments.name and not home.log(arguments.name).exists():
        known = ", ".join(sorted(path.stem for path in home.logs.glob("*.log"))) or "none yet"
        raise StackError(f"There is no log of {arguments.name!r}: choose from {known}.")
    report = Report(as_json=arguments.json)
    forever = not arguments.no_follow and is_locked(home.lock)
    await follow({name: home.log(name) for name in names}, report.line, lines=_TAIL_LINES, forever=forever)
    return 0


async def one(settings: Settings, arguments: argparse.Namespace) -> int:
    """Stop, start, restart or rebuild one unit."""
    try:
        answer = await _asked(settings.home, arguments.verb, name=arguments.name)
    except asyncio.CancelledError:  # Ctrl-C
        if arguments.verb == "rebuild":
            print(f"\n{arguments.name}: given up; what was is put back and started again.", file=sys.stderr)
        raise
    print("\n".join(answer.get("output", [f"{arguments.name}: {arguments.verb} done"])))
    return 0


async def clean(settings: Settings, arguments: argparse.Namespace) -> int:
    """Remove data, logs and passwords, after asking."""
    home = settings.home
    if is_locked(home.lock):
        raise StackError("Cleartide runs; stop it with `make down` first.")
    doomed = [path for path in (home.data, home.logs, home.secrets, home.state) if path.exists()]
    if not doomed:
        print(f"Nothing to remove in {home.root}.")
        return 0
    print("This removes " + ", ".join(str(path) for path in doomed) + ".")
    if not (arguments.force or _agrees()):
        raise StackError("Nothing was removed.")
    await clear_leftovers(read_state(home.state))
    for path in doomed:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return 0


async def operate(settings: Settings, arguments: argparse.Namespace) -> int:
    """Run the operator's tools with the running stack's credentials."""
    answer = await _asked(settings.home, "operate", arguments=arguments.arguments)
    print("\n".join(answer["output"]))
    return 0


async def _detach(arguments: argparse.Namespace) -> int:
    """Start the supervisor in a session of its own and return when it is ready."""
    reading, writing = os.pipe()
    supervisor = _spawn(arguments, writing)
    os.close(writing)
    loop, heard = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(reading, heard.set)
    try:
        await heard.wait()
        return 0 if os.read(reading, len(_READY)) == _READY else supervisor.wait() or 1
    except asyncio.CancelledError:  # Ctrl-C
        supervisor.terminate()
        raise
    finally:
        loop.remove_reader(reading)
        os.close(reading)


def _spawn(arguments: argparse.Namespace, ready_fd: int) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", "deploy.local", "up", "--ready-fd", str(ready_fd)]
    argv += ["--json"] * arguments.json + ["--logs"] * arguments.logs
    return subprocess.Popen(argv, pass_fds=[ready_fd], start_new_session=True, stdin=subprocess.DEVNULL, cwd=ROOT)


def _leave(home: Home, ready_fd: int | None, report: Report) -> None:
    """Once ready, a detached supervisor lets go of the terminal and tells the waiting command."""
    if ready_fd is None:
        return
    sys.stdout.flush()
    log = os.open(home.log("supervisor"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    report.plain()
    os.write(ready_fd, _READY)
    os.close(ready_fd)


async def _show_running(home: Home) -> int:
    """For a second `up`: wait until the first is ready, then say where it is."""
    from deploy.local.run import closing_block

    until = time.monotonic() + _START_SECONDS
    while True:
        with suppress(KeyError):
            state = await _running(home)
            if state["phase"] == "ready":
                print(f"Cleartide already runs (supervisor pid {state['supervisor']['pid']}).")
                print(closing_block(state))
                return 0
        if not is_locked(home.lock) or time.monotonic() > until:
            raise StackError("Another start was under way and did not get ready; run `make up` again.")
        await asyncio.sleep(_POLL_SECONDS)


async def _running(home: Home) -> dict[str, Any]:
    return await _asked(home, "status")


async def _asked(home: Home, verb: str, **fields: Any) -> dict[str, Any]:
    if not is_locked(home.lock):
        raise StackError("Cleartide does not run; start it with `make up`.")
    return await ask(_address(home), verb, **fields)


def _agrees() -> bool:
    try:
        return input("Type yes to go on: ").strip() == "yes"
    except EOFError:
        return False


def _address(home: Home) -> Mapping[str, Any]:
    address: Mapping[str, Any] = read_state(home.state)["control"]
    return address


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="The embedded stack.")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[..., Any], text: str) -> argparse.ArgumentParser:
        verb = verbs.add_parser(name, help=text, description=text)
        verb.set_defaults(command=command, verb=name)
        return verb

    starting = add("up", up, "start the stack, in the foreground unless --detach")
    starting.add_argument("--detach", action="store_true", help="return when it is ready")
    starting.add_argument("--json", action="store_true", help="one JSON object per line")
    starting.add_argument("--logs", action="store_true", help="show every log line, not only warnings")
    starting.add_argument("--ready-fd", type=int, help=argparse.SUPPRESS)
    add("down", down, "stop the stack")
    add("ps", ps, "list servers and services").add_argument("--json", action="store_true")
    add("url", url, "print an address: dashboard, nats_viewer, nats_trader, ...").add_argument("name")
    add("guest", guest, "admit a service of your own, or print its environment").add_argument("name")
    add("sign-in", sign_in, "print a link that signs this machine's operator in, once")
    showing = add("logs", logs, "show and follow logs")
    showing.add_argument("name", nargs="?", help="default: all")
    showing.add_argument("--no-follow", action="store_true")
    showing.add_argument("--json", action="store_true")
    for name in ("start", "stop", "restart", "rebuild"):
        add(name, one, f"{name} one service").add_argument("name")
    add("clean", clean, "remove data, logs and passwords").add_argument("--force", action="store_true")
    add("operate", operate, "run the operator's tools").add_argument("arguments", nargs=argparse.REMAINDER)
    return parser
