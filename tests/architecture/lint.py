"""A lint: a rule with a name, the files that it is about, and a function that finds where a file breaks it."""

import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from tests.architecture.source import Source, paths, read

Finding = tuple[int, str]
_known: "list[Lint]" = []


@dataclass(frozen=True)
class Lint:
    """`applies` tells by path whether the rule is about a file; `find` gives (line, what is wrong there)."""

    rule: str
    applies: Callable[[str], bool]
    find: Callable[[Source], Iterable[Finding]]

    def __post_init__(self) -> None:
        _known.append(self)

    def raw(self, source: Source) -> list[Finding]:
        """Every finding in one file, waived or not."""
        return sorted(set(self.find(source))) if self.applies(source.path) else []

    def violations(self, source: Source) -> list[str]:
        """The findings in one file that no waiver excuses, as `path:line: rule: what is wrong`."""
        waived = {waiver.covers for waiver in source.waivers if waiver.rule == self.rule and waiver.reason}
        found = self.raw(source)
        return [f"{source.path}:{line}: {self.rule}: {text}" for line, text in found if line not in waived]

    def over_tree(self) -> list[str]:
        """The violations of every file of the repository."""
        return _over_tree()[self]

    def planted(self, path: str, text: str) -> list[str]:
        """What the lint says about a file that is not there, without the path: `line: rule: what is wrong`."""
        source = Source(path, textwrap.dedent(text).lstrip("\n"))
        return [violation.removeprefix(f"{path}:") for violation in self.violations(source)]


@cache
def _over_tree() -> dict[Lint, list[str]]:
    """One look at each file for all lints: to parse it takes longer than they do, and its syntax tree is large."""
    found: dict[Lint, list[str]] = {lint: [] for lint in _known}
    for source in map(read, paths()):
        for lint, violations in found.items():
            if lint.applies(source.path):
                violations += lint.violations(source)
    return found
