"""The command `cleartide`: one entry point, whose commands each service brings along.

A service that has commands has a module `services.<name>.commands` with `add_parsers(commands, wanted)`, which adds the
parser of the wanted command, whose `run` is a coroutine function of the parsed arguments, and the names of the others.
Services are found by name and never import each other.
"""

import argparse
import asyncio
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

MOUNTED: Final = {
    "ops": ("cleartide.ops.__main__", "operator's tools: set up, migrate, rebuild, dead letters, markets"),
    "client": ("cleartide.cli.__main__", "what a third party does: alerts, orders, trades, deposits"),
}
"""Command lines of their own that are also reached from here."""
VERBS: Final = "cleartide.ops.verbs"
"""What is done to a running system: sub, pub, tail, replay, trace, ask, doctor."""


class CommandError(Exception):
    """A command cannot do what it was asked; the text says why, and what to do."""


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Keeps the line breaks of descriptions and gives long options room."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=100)

    def add_argument(self, action: argparse.Action) -> None:
        """Commands stand further in than options: what explains them begins behind the longest of them too."""
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            longest = max(map(len, action.choices), default=0)
            self._action_max_length = max(self._action_max_length, longest + 2 * self._indent_increment)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """`-s, --symbols A,B` on every Python, instead of naming the value twice."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        value = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {value}"


def services_with_commands() -> list[str]:
    """Names of the services whose commands are part of this installation."""
    _find_installation()
    package = importlib.util.find_spec("services")
    if package is None or package.submodule_search_locations is None:
        return []
    names = sorted(module.name for module in pkgutil.iter_modules(package.submodule_search_locations))
    return [name for name in names if importlib.util.find_spec(f"services.{name}.commands") is not None]


def parser(wanted: str = "") -> argparse.ArgumentParser:
    """Every command of every service by name, and what the wanted one takes."""
    main_parser = argparse.ArgumentParser(
        prog="cleartide",
        description="Market data of perpetuals venues, and the operation of a Cleartide system.",
        epilog="`cleartide COMMAND --help` shows what a command takes, with examples.",
        formatter_class=Formatter,
    )
    commands = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in services_with_commands():
        importlib.import_module(f"services.{name}.commands").add_parsers(commands, wanted)
    importlib.import_module(VERBS).add_parsers(commands)
    for name, (_, text) in MOUNTED.items():
        commands.add_parser(name, help=text, add_help=False)
    return main_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a failure is one line and exit code 1."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in MOUNTED:
        _find_installation()
        return int(importlib.import_module(MOUNTED[given[0]][0]).main(given[1:]))
    parsed = parser(given[0] if given else "").parse_args(given)
    try:
        return asyncio.run(parsed.run(parsed)) or 0
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output, such as `head`, has what it wanted.
        sys.stderr.close()
        return 0
    except _failures(parsed) as error:
        print(f"cleartide {parsed.command}: {error or type(error).__name__}", file=sys.stderr)
        return 1


def _failures(parsed: argparse.Namespace) -> tuple[type[BaseException], ...]:
    """What a command may end with; anything else is a fault of ours and shows its trace."""
    own: Callable[[], Sequence[type[BaseException]]] = getattr(parsed, "failures", tuple)
    return (CommandError, OSError, TimeoutError, *own())


def _find_installation() -> None:
    """The services lie beside the library in a checkout, and where the process was started in an image."""
    if importlib.util.find_spec("services") is not None:
        return
    module: ModuleType | Any = sys.modules["cleartide"]
    places = [Path(path).parents[2] for path in getattr(module, "__path__", ())] + [Path.cwd()]
    for place in places:
        if (place / "services").is_dir():
            sys.path.insert(0, str(place))
            return
