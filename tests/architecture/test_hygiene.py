"""What is in the repository is about the product: no paths of one machine, no package hosts, no word beside it."""

import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.architecture.lint import Finding, Lint
from tests.architecture.source import Source, is_python, is_test

# A letter in brackets keeps these lines from being what they look for.
HOSTS: Final = re.compile(
    r"[p]ypi\.org|[p]ythonhosted\.org|[r]egistry\.npmjs|[a]rtifactory|[j]frog|[n]exus\."
    r"|--(extra-)?[i]ndex-url|--[t]rusted-host|--[f]ind-links|[I]NDEX_URL=\S*://|(?<!\w)[i]ndex-url\s*=",
    re.IGNORECASE,
)
MACHINE_PATHS: Final = re.compile(r"(?<![\w.])/([w]ork|[r]oot|[h]ome/\w+|[U]sers/\w+)(?=[/\s\"'`:,)]|$)")
BESIDES: Final = re.compile(
    r"\b[A]I\b|\b[L]LMs?\b|\b([a]ssistant|[c]opilot|[c]hatgpt|[c]laude|[o]penai|[a]nthropic)s?\b|[l]anguage model"
    r"|\b(previous|next|earlier|last) [s]ession\b|\b[t]he brief\b|[h]ouse rule|[c]o-authored-by"
)
FIXTURES: Final = re.compile(r"\.\./[s]hared\b|\b[s]hared/fixtures\b|['\"][s]hared['\"] / ")
FOREIGN: Final = ("/vendor/", ".gz")


def _lines(source: Source, pattern: re.Pattern[str], what: str) -> Iterator[Finding]:
    for number, line in enumerate(source.lines, start=1):
        if match := pattern.search(line):
            yield number, f"{what}: {match[0].strip()}"


def _hosts(source: Source) -> Iterator[Finding]:
    yield from _lines(source, HOSTS, "package host")


def _machine(source: Source) -> Iterator[Finding]:
    yield from _lines(source, MACHINE_PATHS, "path of one machine")


def _besides(source: Source) -> Iterator[Finding]:
    yield from _lines(source, BESIDES, "not about the product")


def _fixtures(source: Source) -> Iterator[Finding]:
    if not (is_test(source.path) and is_python(source.path)):
        yield from _lines(source, FIXTURES, "data that a checkout does not have")
    elif not re.search(r"pytest\.(mark\.)?skip", source.text):
        yield from _lines(source, FIXTURES, "data that a checkout does not have, and no skip without it")


def _lock(source: Source) -> Iterator[Finding]:
    yield from _lines(source, re.compile(r"://|\bfile:|^-"), "a lock names packages and hashes only")
    if "--hash=sha256:" not in source.text:
        yield 1, "a lock without hashes"


def _is_ours(path: str) -> bool:
    return not any(part in path for part in FOREIGN) and not path.endswith(".lock")


HOST_LINT: Final = Lint("package-host", _is_ours, _hosts)
PATH_LINT: Final = Lint("machine-path", _is_ours, _machine)
PRODUCT_LINT: Final = Lint("product-only", _is_ours, _besides)
FIXTURE_LINT: Final = Lint("fixtures", _is_ours, _fixtures)
LOCK_LINT: Final = Lint("lock-file", lambda path: path.endswith(".lock"), _lock)
LINTS: Final = (HOST_LINT, PATH_LINT, PRODUCT_LINT, FIXTURE_LINT, LOCK_LINT)


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.rule)
def test_the_repository_is_about_the_product(lint: Lint) -> None:
    assert lint.over_tree() == []


def _spelled(text: str) -> str:
    return text.replace("[", "").replace("]", "")


@pytest.mark.parametrize(
    "fault", ["https://[p]ypi.org/simple", "pip install --[i]ndex-url=http://mirror", "PIP_[I]NDEX_URL=http://mirror"]
)
def test_a_package_host_is_found(fault: str) -> None:
    assert len(HOST_LINT.planted("deploy/Dockerfile", _spelled(fault))) == 1
    assert not HOST_LINT.planted("deploy/Dockerfile", "ARG PIP_INDEX_URL")


@pytest.mark.parametrize("fault", ["cd /[w]ork/main", "DATA = '/[r]oot/x'", "see /[h]ome/ann/notes"])
def test_a_path_of_one_machine_is_found(fault: str) -> None:
    assert len(PATH_LINT.planted("docs/runbooks/rebuild.md", _spelled(fault))) == 1
    assert not PATH_LINT.planted("docs/runbooks/rebuild.md", "the recipe is in bus/worker.py; work/main is relative")


@pytest.mark.parametrize("fault", ["written by an [A]I", "as the [a]ssistant said", "in the last [s]ession"])
def test_a_word_about_anything_else_is_found(fault: str) -> None:
    assert len(PRODUCT_LINT.planted("README.md", _spelled(fault))) == 1
    assert not PRODUCT_LINT.planted("README.md", "a WebSocket session, a database session")


def test_data_that_may_be_absent_is_read_only_by_tests_that_skip() -> None:
    text = _spelled("DATA = Path('../[s]hared/fixtures')\n")
    assert len(FIXTURE_LINT.planted("services/risk/feed.py", text)) == 1
    assert len(FIXTURE_LINT.planted("services/risk/tests/test_x.py", text)) == 1
    assert not FIXTURE_LINT.planted("services/risk/tests/test_x.py", text + "@pytest.mark.skipif(not DATA.exists())")


def test_a_lock_that_names_a_place_is_found() -> None:
    good = "nats-py==2.0.0 \\\n    --hash=sha256:00\n"
    assert not LOCK_LINT.planted("requirements.lock", good)
    assert len(LOCK_LINT.planted("requirements.lock", good + "nats-py @ https://example.com/x.whl\n")) == 1
    assert len(LOCK_LINT.planted("requirements.lock", "-e ./libs/common\n" + good)) == 1
    assert len(LOCK_LINT.planted("requirements.lock", "nats-py==2.0.0\n")) == 1
