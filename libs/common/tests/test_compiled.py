"""A machine without a compiler, or with one that fails, loses nothing but an engine's speed."""

import shutil
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from cleartide.compiled import Engine

SOURCES = Path(__file__).parents[3] / "services" / "risk" / "engine"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An engine's sources, apart from those of the tree."""
    folder = tmp_path / "services" / "risk" / "engine"
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("tests", "__pycache__"))
    return Engine(folder)


def test_without_a_compiler_the_reason_is_kept(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MATCH-ENG-022: nothing fails, and it is not tried again."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CC", raising=False)
    assert not engine.is_tried(tmp_path)
    assert engine.build(tmp_path) == "there is no C compiler"
    assert engine.is_tried(tmp_path)
    monkeypatch.undo()
    assert engine.build(tmp_path) == "there is no C compiler"


def test_a_compiler_that_fails_is_a_reason_too(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MATCH-ENG-022: the first line that says what is wrong."""
    monkeypatch.setenv("CC", "false")
    reason = engine.build(tmp_path)
    assert reason and "\n" not in reason
    assert not list(tmp_path.rglob("*.so"))


def test_what_a_compiler_leaves_that_is_cut_short_is_no_build(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MATCH-ENG-022: half of the modules compiled and half not would not know each other's types."""

    def cut_short(_: Engine, made: Path) -> str:
        (made / f"{engine.library}{EXTENSION_SUFFIXES[0]}").touch()
        return "it took too long"

    monkeypatch.setattr(Engine, "_compile", cut_short)
    assert engine.build(tmp_path) == "it took too long"
    assert not list(tmp_path.rglob("*.so"))


def test_a_build_that_is_broken_is_passed_over(engine: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """MATCH-ENG-022: what does not load is as if it were not there."""
    place = engine.place(tmp_path)
    place.mkdir(parents=True)
    (place / f"{engine.library}{EXTENSION_SUFFIXES[0]}").write_bytes(b"not a library")
    monkeypatch.setattr(engine, "place", lambda *_: place)
    path: list[str] = []
    assert engine.use(path)
    assert path == []


def test_other_sources_have_another_place(engine: Engine) -> None:
    """MATCH-ENG-022: a build is used by the sources that it was made from, and no others."""
    before = engine.place()
    assert Engine(SOURCES).place() == before
    (engine.folder / "wheel.py").write_text("changed")
    assert engine.place() != before
