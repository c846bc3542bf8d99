"""The engine compiled and interpreted: the same events, and a machine without a compiler loses nothing but speed."""

import os
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from services.matching.engine import build
from services.matching.engine.build import ROOT

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
    if failure := build.build():
        pytest.skip(f"the engine cannot be compiled here: {failure}")
    assert digest(COMPILED, seed) == digest(INTERPRETED, seed)


class TestBuild:
    def test_match_eng_022_without_a_compiler_the_reason_is_kept(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """MATCH-ENG-022: nothing fails, and it is not tried again."""
        monkeypatch.setenv("PATH", "/nowhere")
        monkeypatch.delenv("CC", raising=False)
        assert not build.is_tried(tmp_path)
        assert build.build(tmp_path) == "there is no C compiler"
        assert build.is_tried(tmp_path)
        monkeypatch.undo()
        assert build.build(tmp_path) == "there is no C compiler"

    def test_match_eng_022_a_compiler_that_fails_is_a_reason_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CC", "false")
        reason = build.build(tmp_path)
        assert reason and "\n" not in reason
        assert not list(tmp_path.rglob("*.so"))

    def test_match_eng_022_a_build_that_is_broken_is_passed_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place = build.place(tmp_path)
        place.mkdir(parents=True)
        (place / f"{build.LIBRARY}{EXTENSION_SUFFIXES[0]}").write_bytes(b"not a library")
        monkeypatch.setattr(build, "place", lambda: place)
        assert not build.load()

    def test_match_eng_022_other_sources_have_another_place(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in build.MODULES:
            (tmp_path / f"{module}.py").write_bytes((build.HERE / f"{module}.py").read_bytes())
        before = build.place(tmp_path)
        monkeypatch.setattr(build, "HERE", tmp_path)
        assert build.place(tmp_path) == before
        (tmp_path / "core.py").write_text("changed")
        assert build.place(tmp_path) != before
