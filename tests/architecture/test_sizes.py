"""Files and functions that one can read at once, each with its sentence of explanation, and nothing left unfinished."""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.architecture.lint import Finding, Lint
from tests.architecture.source import Source, dotted, is_python

FILE_LINES: Final = 500
FUNCTION_LINES: Final = 70
UNFINISHED: Final = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X])\b")
WRITTEN: Final = (".md", ".js", ".css", ".html", ".sql", ".yaml", ".toml", ".in", "Makefile", "Dockerfile", ".ci/run")


def _file_size(source: Source) -> Iterator[Finding]:
    if len(source.lines) > FILE_LINES:
        yield FILE_LINES + 1, f"{len(source.lines)} lines; at most {FILE_LINES}"


def _function_size(source: Source) -> Iterator[Finding]:
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield node.lineno, f"{node.name} has {lines} lines; at most {FUNCTION_LINES}"


def _docstring(source: Source) -> Iterator[Finding]:
    if not ast.get_docstring(source.tree):
        yield 1, "the module does not say what it is for"


def _unfinished(source: Source) -> Iterator[Finding]:
    for line, _, text in source.comments if UNFINISHED.search(source.text) else ():
        if match := UNFINISHED.search(text):
            yield line, match[0]


def _not_implemented(source: Source) -> Iterator[Finding]:
    ports = {id(raised) for node in source.nodes if isinstance(node, ast.ClassDef) for raised in _of_ports(node)}
    for node in source.nodes:
        if isinstance(node, ast.Raise) and node.exc is not None and id(node) not in ports:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if dotted(raised) == "NotImplementedError":
                yield node.lineno, "not implemented"


def _of_ports(owner: ast.ClassDef) -> Iterator[ast.stmt]:
    """The bare `raise` that is the whole of a method which subclasses provide."""
    for method in owner.body:
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
            body = method.body[1:] if ast.get_docstring(method) else method.body
            if len(body) == 1 and isinstance(body[0], ast.Raise) and not isinstance(body[0].exc, ast.Call):
                yield body[0]


FILE_LINT: Final = Lint("file-size", is_python, _file_size)
FUNCTION_LINT: Final = Lint("function-size", is_python, _function_size)
DOCSTRING_LINT: Final = Lint("docstring", is_python, _docstring)
UNFINISHED_LINT: Final = Lint(
    "unfinished", lambda path: (is_python(path) or path.endswith(WRITTEN)) and "/vendor/" not in path, _unfinished
)
PORT_LINT: Final = Lint("not-implemented", is_python, _not_implemented)
LINTS: Final = (FILE_LINT, FUNCTION_LINT, DOCSTRING_LINT, UNFINISHED_LINT, PORT_LINT)


@pytest.mark.parametrize("lint", LINTS, ids=lambda lint: lint.rule)
def test_the_source_is_readable_and_finished(lint: Lint) -> None:
    assert lint.over_tree() == []


def test_what_is_too_long_is_found() -> None:
    assert len(FILE_LINT.planted("services/risk/views.py", "x = 1\n" * 501)) == 1
    assert not FILE_LINT.planted("services/risk/views.py", "x = 1\n" * 500)
    assert len(FUNCTION_LINT.planted("services/risk/views.py", "def view():\n" + "    x = 1\n" * 70)) == 1
    assert not FUNCTION_LINT.planted("services/risk/views.py", "def view():\n" + "    x = 1\n" * 69)


def test_a_module_without_a_word_about_itself_is_found() -> None:
    assert len(DOCSTRING_LINT.planted("services/risk/views.py", "x = 1")) == 1


@pytest.mark.parametrize("word", ["TO" + "DO", "FIX" + "ME", "XX" + "X"])
def test_unfinished_work_is_found(word: str) -> None:
    assert len(UNFINISHED_LINT.planted("services/risk/views.py", f"x = 1  # {word}: later")) == 1
    assert len(UNFINISHED_LINT.planted("docs/ARCHITECTURE.md", f"{word}: later")) == 1


def test_a_hole_in_the_code_is_found_and_a_port_is_not() -> None:
    port = "class Port:\n    def call(self):\n        {}\n        raise NotImplementedError"
    assert not PORT_LINT.planted("tests/support/x.py", port.format("'''What subclasses do.'''"))
    assert len(PORT_LINT.planted("tests/support/x.py", port.format("self.count += 1"))) == 1
    assert len(PORT_LINT.planted("tests/support/x.py", "def later():\n    raise NotImplementedError('later')")) == 1
