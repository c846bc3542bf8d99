"""The operator's alert rules from files, one in each: set, removed, shown, and a folder that is watched.

Whoever watches a folder is a client like any other: a file that is written is a command, and so is one that is gone.
"""

import argparse
import asyncio
import json
import re
import tomllib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from cleartide.admin import Admin, AdminRefused
from cleartide.bus.permissions import OPERATOR
from cleartide.client import PublishError, QueryRefused
from cleartide.contracts import AlertRule, Message, RemoveAlertRule, SetAlertRule
from cleartide.contracts.alert_rules import RuleSubject
from cleartide.ops.place import find_place
from cleartide.ops.venue import Action, Lines, said
from cleartide.rules.alerting import FIGURES, OF_POSITION, RuleError, read_rule

LOOK_SECONDS: Final = 0.25
MOST_BYTES: Final = 16_384
_PLACE: Final = re.compile(r"\(at line (\d+), column (\d+)\)")


class RuleFileError(ValueError):
    """A file that is no rule; the text begins with file, line and column, as a compiler's does."""

    def __init__(self, path: Path, line: int, column: int, text: str) -> None:
        super().__init__(f"{path}:{line}:{column}: {text}")
        self.line, self.column = line, column


def read_rule_file(path: Path) -> AlertRule:
    """The rule of a TOML file. Raises RuleFileError, OSError."""
    text = path.read_bytes()[: MOST_BYTES + 1].decode(errors="replace")
    if len(text) > MOST_BYTES:
        raise RuleFileError(path, 1, 1, f"longer than {MOST_BYTES} bytes")
    try:
        fields = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        line, column = map(int, place.groups()) if place else (text.count("\n") + 1, 1)
        raise RuleFileError(path, line, column, str(error).partition(" (at")[0]) from None
    try:
        rule = AlertRule.model_validate_json(json.dumps(fields, default=str))
        read_rule(rule)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = str(found["loc"][0]) if found["loc"] else ""
        raise RuleFileError(path, *_place(text, field, 0), f"{field}: {found['msg']}") from None
    except RuleError as error:
        raise RuleFileError(path, *_place(text, error.field, error.column), f"{error.field}: {error.text}") from None
    return rule


def _place(text: str, field: str, column: int) -> tuple[int, int]:
    """Line and column of a field, or of a character of its value; those of the beginning where it is not there."""
    for number, line in enumerate(text.splitlines(), start=1):
        if match := re.match(rf"\s*[\"']?{re.escape(field)}[\"']?\s*=\s*[\"']*", line):
            return number, match.end() + column if column else match.start() + 1
    return 1, 1


async def set_rules(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Watch by the rules of files."""
    for rule in [read_rule_file(path) for path in arguments.files]:
        yield await _outcome(admin, rule.name, SetAlertRule, rule=rule, **said(arguments))


async def remove_rules(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Watch by rules no longer."""
    for name in arguments.names:
        yield await _outcome(admin, name, RemoveAlertRule, name=name, **said(arguments))


async def show_rules(admin: Admin, _: argparse.Namespace) -> Lines:
    """The rules that are watched, and how many alerts of each hold."""
    for rule in (await admin.ask("risk", "alert_rules"))["rules"]:
        where = f" in {', '.join(rule['markets'])}" if rule["markets"] else ""
        until = f", until {rule['until']}" if rule["until"] else ""
        yield (
            f"{rule['name']:20} {rule['level']:8} {rule['holding']:4} hold  "
            f"each {rule['each']}{where}: {rule['when']}{until}"
        )


def figures() -> Iterator[str]:
    """What conditions may name, in lines."""
    subjects: tuple[RuleSubject, ...] = ("account", "position", "market")
    for each in subjects:
        for name, figure in (OF_POSITION if each == "position" else FIGURES[each]).items():
            yield f"{each:9} {name:25} {figure.unit:6} {figure.meaning}"


async def watch_rules(admin: Admin, arguments: argparse.Namespace) -> Lines:
    """Watch by the rules of a folder's *.toml, as they are written, changed and removed, until it is stopped."""
    folder = Folder(arguments.folder)
    yield f"{arguments.folder}: watching"
    while True:
        async for line in folder.look(admin, said(arguments)):
            yield line
        await asyncio.sleep(LOOK_SECONDS)


class Folder:
    """A folder of rules and what was published of it: a file is read again when it is another than it was."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ValueError(f"{folder} is no folder")
        self._folder = folder
        self._seen: dict[Path, bytes] = {}
        self._names: dict[Path, str] = {}

    async def look(self, admin: Admin, who: dict[str, str]) -> AsyncIterator[str]:
        """Publish what is different from the last look; returns what became of it, in lines."""
        present = {path: path.read_bytes() for path in sorted(self._folder.glob("*.toml"))}
        for path in [path for path in self._seen if path not in present]:
            del self._seen[path]
            if name := self._names.pop(path, ""):
                yield await _outcome(admin, name, RemoveAlertRule, name=name, **who)
        for path, content in present.items():
            if self._seen.get(path) != content:
                yield await self._publish(admin, path, who)
                self._seen[path] = content

    async def _publish(self, admin: Admin, path: Path, who: dict[str, str]) -> str:
        try:
            rule = read_rule_file(path)
        except RuleFileError as error:
            return str(error)
        other = next((one for one, name in self._names.items() if name == rule.name and one != path), None)
        if other is not None:
            return f"{path}:1:1: name: {rule.name} is that of {other.name}"
        before = self._names.get(path, rule.name)
        self._names[path] = rule.name
        line = await _outcome(admin, rule.name, SetAlertRule, rule=rule, **who)
        if before != rule.name:
            line += "\n" + await _outcome(admin, before, RemoveAlertRule, name=before, **who)
        return line


async def _outcome(admin: Admin, what: str, contract: type[Message], **body: Any) -> str:
    """What became of a command, in one line."""
    try:
        events = await admin.command(contract, **body)
    except AdminRefused as verdict:
        return f"{what}: {'is watched as it stands' if verdict.reason == 'nothing_changed' else f'refused, {verdict}'}"
    change = next(event for event in events if event["type"] == "VenueChanged")
    done = ("changed" if change["old"] else "set") if change["new"] else "removed"
    return f"{what}: {done}, watched from event {change['seq']} on" if change["new"] else f"{what}: {done}"


ACTIONS: Final[dict[str, Action]] = {
    "set": set_rules,
    "watch": watch_rules,
    "remove": remove_rules,
    "show": show_rules,
}
FAILURES: Final = (ValueError, QueryRefused, PublishError)


async def run(arguments: argparse.Namespace) -> None:
    """Run one action as the operator, and print what it says."""
    if arguments.verb == "figures":
        print("\n".join(figures()))
        return
    async with Admin.connect(find_place().nats_as(OPERATOR), source="operator") as admin:
        async for line in ACTIONS[arguments.verb](admin, arguments):
            print(line, flush=True)
