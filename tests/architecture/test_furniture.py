"""Every service has the same furniture, so that whoever knows one knows all."""

import ast
import re
from collections.abc import Collection, Iterator
from typing import Final

import pytest

from tests.architecture.lint import Finding, Lint
from tests.architecture.source import Source, is_python, paths, read, services

FILES: Final = ("__init__.py", "__main__.py", "app.py", "handlers.py", "repository.py", "queries.py", "README.md")
FOLDERS: Final = {"domain": r".+\.py", "migrations": r"\d{4}_\w+\.sql", "tests": r"test_\w+\.py"}
README_LINES: Final = 80
LIBRARY_MIGRATIONS: Final = "libs/common/cleartide/store/migrations/"


def missing_furniture(service: str, tree: Collection[str]) -> list[str]:
    """What a service lacks among the paths of a tree."""
    room = f"services/{service}/"
    inside = [path.removeprefix(room) for path in tree if path.startswith(room)]
    lacking = [name for name in FILES if name not in inside]
    for folder, expected in FOLDERS.items():
        if not any(re.fullmatch(f"{folder}/{expected}", path) for path in inside):
            lacking.append(f"{folder}/")
    return lacking


def _readme(source: Source) -> Iterator[Finding]:
    if len(source.lines) > README_LINES:
        yield README_LINES + 1, f"a service's README has at most {README_LINES} lines"


def _wiring(source: Source) -> Iterator[Finding]:
    names = {node.id for node in source.nodes if isinstance(node, ast.Name)}
    if source.path.endswith("app.py") and "SERVICE" not in names:
        yield 1, "app.py does not define SERVICE"
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda | ast.If | ast.For):
            yield node.lineno, "wiring has no logic"


def _migration(source: Source) -> Iterator[Finding]:
    if not re.fullmatch(r"\d{4,6}_\w+\.sql", source.path.split("/")[-1]):
        yield 1, "a migration is called NNNN_name.sql"
    marks = [line.strip() for line in source.lines if line.startswith("-- migrate:")]
    if marks != ["-- migrate:up", "-- migrate:down"]:
        yield 1, "a migration has one `-- migrate:up` and then one `-- migrate:down`"


def _is_room(path: str, *names: str) -> bool:
    return re.fullmatch(rf"services/\w+/({'|'.join(map(re.escape, names))})", path) is not None


README_LINT: Final = Lint("readme-size", lambda path: _is_room(path, "README.md"), _readme)
WIRING_LINT: Final = Lint("wiring-only", lambda path: _is_room(path, "app.py", "__main__.py"), _wiring)
MIGRATION_LINT: Final = Lint("migration-form", lambda path: "/migrations/" in path and not is_python(path), _migration)
LINTS: Final = (README_LINT, WIRING_LINT, MIGRATION_LINT)


def test_there_are_services() -> None:
    assert {"matching", "risk", "gateway"} <= set(services())


@pytest.mark.parametrize("service", services())
def test_a_service_has_all_its_furniture(service: str) -> None:
    assert missing_furniture(service, paths()) == []


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.rule)
def test_the_furniture_is_in_shape(lint: Lint) -> None:
    assert lint.over_tree() == []


def test_a_version_is_used_once() -> None:
    """Two migrations of one number would have no order."""
    numbered = [path.rpartition("_")[0].split("_")[0] for path in paths() if MIGRATION_LINT.applies(path)]
    assert len(numbered) == len(set(numbered))


@pytest.mark.parametrize(
    "gone", ["__main__.py", "README.md", "domain/levels.py", "tests/test_x.py", "migrations/0001_a.sql"]
)
def test_missing_furniture_is_found(gone: str) -> None:
    whole = {*FILES, "domain/levels.py", "tests/test_x.py", "migrations/0001_a.sql"}
    assert missing_furniture("risk", {f"services/risk/{name}" for name in whole}) == []
    assert len(missing_furniture("risk", {f"services/risk/{name}" for name in whole - {gone}})) == 1


def test_furniture_out_of_shape_is_found() -> None:
    assert len(README_LINT.planted("services/risk/README.md", "a line\n" * (README_LINES + 1))) == 1
    assert len(WIRING_LINT.planted("services/risk/app.py", "SERVICE = 1\ndef helper(): ...")) == 1
    assert len(WIRING_LINT.planted("services/risk/app.py", "SERVER = 1")) == 1
    assert len(MIGRATION_LINT.planted("services/risk/migrations/0002_more.sql", "-- migrate:up\nSELECT 1;")) == 1
    assert len(MIGRATION_LINT.planted("services/risk/migrations/more.sql", "-- migrate:up\n-- migrate:down")) == 1


def test_each_service_is_started_by_its_name() -> None:
    for service in services():
        assert read(f"services/{service}/__main__.py").text.startswith(f'"""python -m services.{service}')
