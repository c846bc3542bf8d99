"""Every acceptance criterion has a test, and every test that names one names a criterion that exists."""

import re
from collections import Counter
from typing import Final

import pytest

from tests.architecture.source import is_python, is_test, paths, read

LISTED: Final = re.compile(r"^- (\S+-\d{3}) \S", re.MULTILINE)
NAMED: Final = re.compile(r"\b[A-Z]{2,}(?:-[A-Z0-9]+)*-\d{3}\b")


def listed(text: str) -> list[str]:
    """The ids that a list of criteria defines: lines `- ID text`."""
    return LISTED.findall(text)


def family(criterion: str) -> str:
    """What an id begins with: RISK-HF-003 is of the family RISK."""
    return criterion.partition("-")[0]


def untested(criteria: set[str], tests: str) -> list[str]:
    """Criteria that no test names."""
    return sorted(criteria - set(NAMED.findall(tests)))


def unlisted(criteria: set[str], tests: str) -> list[str]:
    """Ids of the criteria's families that tests name and no list defines."""
    families = {family(criterion) for criterion in criteria}
    return sorted(name for name in set(NAMED.findall(tests)) - criteria if family(name) in families)


def malformed(text: str) -> list[str]:
    """Lines of a list that define nothing."""
    return [line for line in text.splitlines() if line.startswith("- ") and not LISTED.match(line)]


def _lists() -> list[str]:
    return [path for path in paths() if re.fullmatch(r"docs/criteria/\w+\.md", path)]


@pytest.fixture(scope="module")
def criteria() -> Counter[str]:
    """Every listed id, with how often it is listed."""
    return Counter(name for path in _lists() for name in listed(read(path).text))


@pytest.fixture(scope="module")
def tests() -> str:
    """The text of all tests but these."""
    named = (path for path in paths() if is_python(path) and is_test(path))
    return "\n".join(read(path).text for path in named if not path.startswith("tests/architecture/"))


def test_every_criterion_has_a_test(criteria: Counter[str], tests: str) -> None:
    assert len(criteria) > 100
    assert untested(set(criteria), tests) == []


def test_every_id_that_a_test_names_is_a_criterion(criteria: Counter[str], tests: str) -> None:
    assert unlisted(set(criteria), tests) == []


def test_an_id_means_one_thing(criteria: Counter[str]) -> None:
    assert [name for name, times in criteria.items() if times > 1] == []


@pytest.mark.parametrize("path", _lists())
def test_every_line_of_a_list_is_a_criterion(path: str) -> None:
    assert malformed(read(path).text) == []


def test_a_criterion_without_a_test_is_found() -> None:
    criteria = set(listed("# Planted\n- PLANT-A-001 grows\n- PLANT-A-002 bears fruit\n"))
    assert untested(criteria, '"""PLANT-A-001: in spring"""') == ["PLANT-A-002"]


def test_a_test_of_nothing_is_found() -> None:
    assert unlisted({"PLANT-A-001"}, "PLANT-A-001, PLANT-A-009 and ECMA-262") == ["PLANT-A-009"]


def test_a_line_that_defines_nothing_is_found() -> None:
    assert malformed("- PLANT-A-001 grows\n- PLANT-A-1 shrinks\n- PLANT-A-002\n") == [
        "- PLANT-A-1 shrinks",
        "- PLANT-A-002",
    ]
