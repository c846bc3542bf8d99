"""The engine compiled and interpreted: the same events."""

import os
import subprocess
import sys

import pytest

from services.matching.engine import ENGINE

ROOT = ENGINE.folder.parents[2]
COMMANDS = "200000"
COMPILED, INTERPRETED = "compiled", "interpreted"


def digest(form: str, seed: str) -> list[str]:
    """What a process with this form of the engine says to a random flow, after the name of the form that it found."""
    done = subprocess.run(
        [sys.executable, "-m", "services.matching.engine.tests.digest", COMMANDS, seed],
        cwd=ROOT,
        env=os.environ | {"CLEARTIDE_ENGINE": form},
        capture_output=True,
        text=True,
        check=True,
    )
    found, *said = done.stdout.split(maxsplit=1)
    assert found == form
    return said


@pytest.mark.parametrize("seed", ["1", "2"])
def test_match_eng_021_both_forms_say_the_same(seed: str) -> None:
    """MATCH-ENG-021: digests of all events and positions after 200,000 random commands of every kind."""
    if failure := ENGINE.build():
        pytest.skip(f"the engine cannot be compiled here: {failure}")
    assert digest(COMPILED, seed) == digest(INTERPRETED, seed)
