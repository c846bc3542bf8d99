"""The engine compiled and interpreted: the same events."""

import pytest
from cleartide.compiled import Engine

from services.matching.engine import ENGINE
from services.matching.engine.tests.forms import DIGEST, compare

COMMANDS = "200000"
STEPS = "600"


@pytest.fixture(autouse=True)
def built() -> None:
    """The engine's build."""
    if failure := ENGINE.build():
        pytest.skip(f"the engine cannot be compiled here: {failure}")


@pytest.mark.parametrize("seed", ["1", "2"])
def test_match_eng_021_both_forms_say_the_same(seed: str) -> None:
    """MATCH-ENG-021: digests of all events and positions after 200,000 random commands of every kind."""
    compiled, interpreted = compare(DIGEST, COMMANDS, seed)
    assert compiled == interpreted


def test_match_eng_030_no_index_leaves_its_array() -> None:
    """MATCH-ENG-030: a build that would raise there says the same after 200,000 random commands of every kind."""
    assert not Engine(ENGINE.folder, checked=True).build()
    checked, interpreted = compare(DIGEST, COMMANDS, "3", forms=("checked", "interpreted"))
    assert checked == interpreted


def test_match_eng_026_the_sequencer_says_the_same_on_either_form() -> None:
    """MATCH-ENG-026: digests of all events and rows after 600 random commands, with restarts among them."""
    compiled, interpreted = compare("services.matching.tests.digest", STEPS)
    assert compiled == interpreted
