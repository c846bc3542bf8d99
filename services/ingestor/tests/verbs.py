"""Every verb of the ingestor's commands as the parser has it, and the help that they print."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from cleartide import console

from services.ingestor.commands import TEXTS

HELP: Final = Path(__file__).with_name("help.txt")
UNSET: Final = ("CLEARTIDE_POSTGRES_DSN", "CLEARTIDE_ADMIN_DSN", "CLEARTIDE_URL", "CLEARTIDE_NATS_URL")


def verbs() -> Mapping[str, argparse.ArgumentParser]:
    """By the words that are typed, such as `db clean`."""
    found: dict[str, argparse.ArgumentParser] = {}
    for command in (*TEXTS, "serve"):
        parser = _under(console.parser(command))[command]
        below = _under(parser)
        found |= {f"{command} {name}": each for name, each in below.items()} if below else {command: parser}
    return found


def _under(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def options(parser: argparse.ArgumentParser) -> set[str]:
    """Every spelling."""
    return {spelling for action in parser._actions for spelling in action.option_strings}


def help_pages() -> Iterator[str]:
    """What `--help` prints, command by command."""
    yield console.parser().format_help()
    for name, parser in sorted(verbs().items()):
        yield f"$ cleartide {name} --help\n{parser.format_help()}"


if __name__ == "__main__":
    HELP.write_text("\n".join(help_pages()), encoding="utf-8")
