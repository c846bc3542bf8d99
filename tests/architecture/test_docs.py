"""The documents hold: links lead somewhere, decisions are short and name what enforces them."""

import fnmatch
import posixpath
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.architecture.lint import Finding, Lint
from tests.architecture.source import Source, paths

ADR_LINES: Final = 60
LINK: Final = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
# What begins with a dot, such as deploy/.env, is made on the machine and not in the repository.
QUOTED_PATH: Final = re.compile(
    r"`((?:services|libs|deploy|tests|docs|benchmarks|schemas|requirements)/(?!\.)[^`\s<]*)`"
)


def _exists(path: str) -> bool:
    wanted = path.rstrip("/")
    return any(known == wanted or known.startswith(f"{wanted}/") for known in paths())


def _matches(pattern: str) -> bool:
    return _exists(pattern) or any(fnmatch.fnmatch(known, pattern) for known in paths())


def _links(source: Source) -> Iterator[Finding]:
    folder = posixpath.dirname(source.path)
    for number, line in enumerate(source.lines, start=1):
        for match in LINK.finditer(line):
            target = match["target"].partition("#")[0]
            inside = posixpath.normpath(posixpath.join(folder, target))
            if target and "://" not in target and not _exists(inside):
                yield number, f"nothing is at {target}"


def _paths(source: Source) -> Iterator[Finding]:
    for number, line in enumerate(source.lines, start=1):
        for match in QUOTED_PATH.finditer(line):
            if not any(map(_matches, (match[1], posixpath.join(posixpath.dirname(source.path), match[1])))):
                yield number, f"nothing is at {match[1]}"


def _decision(source: Source) -> Iterator[Finding]:
    if len(source.lines) > ADR_LINES:
        yield ADR_LINES + 1, f"a decision has at most {ADR_LINES} lines"
    for part in ("Context", "Decision", "Consequences", "Rejected", "Enforced by"):
        if f"**{part}" not in source.text:
            yield 1, f"a decision without its part {part!r}"
    number = posixpath.basename(source.path)[:5]
    if any(known != source.path and known.startswith(f"docs/adr/{number}") for known in paths()):
        yield 1, f"another decision has the number {number[:4]}"


def _is_document(path: str) -> bool:
    return path.endswith(".md") and "/vendor/" not in path


LINK_LINT: Final = Lint("link", _is_document, _links)
PATH_LINT: Final = Lint("named-path", _is_document, _paths)
DECISION_LINT: Final = Lint("decision", lambda path: path.startswith("docs/adr/") and _is_document(path), _decision)
LINTS: Final = (LINK_LINT, PATH_LINT, DECISION_LINT)


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.rule)
def test_the_documents_hold(lint: Lint) -> None:
    assert lint.over_tree() == []


def test_a_link_to_nothing_is_found() -> None:
    assert len(LINK_LINT.planted("docs/runbooks/new.md", "see [this](missing.md) or [that](rebuild.md#top)")) == 1
    assert not LINK_LINT.planted("README.md", "[here](docs/adr), [there](https://example.com/x), [below](#below)")


def test_a_path_to_nothing_is_found() -> None:
    assert len(PATH_LINT.planted("docs/runbooks/new.md", "see `tests/imaginary` and `services/risk/app.py`")) == 1
    assert not PATH_LINT.planted("docs/runbooks/new.md", "`services/<name>/app.py`, `docs/criteria/*.md`")


def test_a_decision_out_of_shape_is_found() -> None:
    good = "**Context.** a\n**Decision.** b\n**Consequences.** c\n**Rejected.** d\n**Enforced by** e\n"
    assert not DECISION_LINT.planted("docs/adr/0099-x.md", good)
    assert len(DECISION_LINT.planted("docs/adr/0099-x.md", good.replace("Enforced by", "Hoped for"))) == 1
    assert len(DECISION_LINT.planted("docs/adr/0099-x.md", good + "more\n" * 60)) == 1
    assert len(DECISION_LINT.planted("docs/adr/0001-x.md", good)) == 1
