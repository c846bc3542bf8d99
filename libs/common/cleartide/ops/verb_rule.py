"""The verb `rule` on the command line; what it does is in `rules`, which is imported when it is wanted."""

import argparse
from importlib import import_module
from pathlib import Path
from typing import Any, Final

ACTIONS: Final = {
    "set": "set or replace rules from files",
    "watch": "watch a folder: a file that is written, changed or removed is a rule that is",
    "remove": "remove rules by name",
    "show": "the rules that are watched, and how many alerts of each hold",
    "figures": "what conditions may name, with units",
}


def add_parser(commands: Any) -> None:
    """`rule ...` with its actions."""
    text = "alert rules: set, remove and show them, or watch a folder of them"
    example = "Example: cleartide rule watch rules"
    parser = commands.add_parser("rule", help=text, description=text[:1].upper() + text[1:] + ".", epilog=example)
    parser.set_defaults(run=_run, failures=_failures)
    actions = parser.add_subparsers(dest="verb", required=True, metavar="ACTION")
    for name, help_text in ACTIONS.items():
        action = actions.add_parser(name, help=help_text, description=help_text[:1].upper() + help_text[1:] + ".")
        if name in ("set", "watch", "remove"):
            action.add_argument("--by", default="", help="who asks, for the history")
            action.add_argument("--note", default="", help="why, for the history")
        if name == "set":
            action.add_argument("files", nargs="+", type=Path, help="TOML, a rule in each")
        if name == "watch":
            action.add_argument("folder", type=Path)
        if name == "remove":
            action.add_argument("names", nargs="+")


async def _run(arguments: argparse.Namespace) -> None:
    await import_module("cleartide.ops.rules").run(arguments)


def _failures() -> tuple[type[BaseException], ...]:
    found: tuple[type[BaseException], ...] = import_module("cleartide.ops.rules").FAILURES
    return found
