"""What the lints read: the repository's files, each with its syntax tree and its waivers."""

import ast
import io
import os
import re
import subprocess
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
WAIVER: Final = re.compile(r"(?:#|--|<!--) lint: allow (?P<rule>[\w-]+)(?:: (?P<reason>.*\w.*))?")
GENERATED: Final = frozenset({"__pycache__", "dist", "build"})


@dataclass(frozen=True)
class Waiver:
    """One comment `# lint: allow <rule>: <reason>`; it stands on the line it is about, or alone above it."""

    line: int
    covers: int
    rule: str
    reason: str


@dataclass(frozen=True)
class Source:
    """One file, by its path from the root of the repository."""

    path: str
    text: str

    @cached_property
    def lines(self) -> list[str]:
        """Its lines; the first has index 0."""
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the tree, so that each lint need not walk it again."""
        return list(ast.walk(self.tree))

    @cached_property
    def calls(self) -> list[ast.Call]:
        """Every call."""
        return [node for node in self.nodes if isinstance(node, ast.Call)]

    @cached_property
    def comments(self) -> list[tuple[int, int, str]]:
        """(line, column, text) of every comment; outside Python every line counts as one."""
        if not is_python(self.path):
            return [(number, 0, line) for number, line in enumerate(self.lines, start=1)]
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return [(*token.start, token.string) for token in tokens if token.type == tokenize.COMMENT]

    @cached_property
    def waivers(self) -> list[Waiver]:
        """Every waiver. One that shares its line with nothing else is about the line below."""
        found = []
        for number, column, text in self.comments if "lint: allow" in self.text else ():
            if match := WAIVER.search(text):
                alone = not self.lines[number - 1][: column + match.start()].strip()
                found.append(Waiver(number, number + alone, match["rule"], match["reason"] or ""))
        return found

    def strings(self) -> Iterator[tuple[int, str]]:
        """(line, text) of every string that is not a docstring; what an f-string fills in reads `{}`."""
        documentation = {id(node.value) for node in self.nodes if isinstance(node, ast.Expr)}
        parts = {id(part) for node in self.nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in self.nodes:
            if id(node) in documentation or id(node) in parts:
                continue
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.lineno, node.value
            elif isinstance(node, ast.JoinedStr):
                yield node.lineno, "".join(_written(part) for part in node.values)

    def imports(self) -> Iterator[tuple[int, str, str]]:
        """(line, module, name) of every import, wherever it stands; the name is empty when the module is imported."""
        package = self.path.removeprefix("libs/common/").removesuffix(".py").split("/")
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package[: -node.level] if node.level else []
                module = ".".join([*above, *([node.module] if node.module else [])])
                yield from ((node.lineno, module, alias.name) for alias in node.names)


def _written(part: ast.expr) -> str:
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "{}"


def dotted(node: ast.AST) -> str:
    """`a.b.c` of a name or an attribute; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        above = dotted(node.value)
        return f"{above}.{node.attr}" if above else ""
    return ""


def is_within(module: str, package: str) -> bool:
    """Whether a module is a package or part of it."""
    return module == package or module.startswith(f"{package}.")


@lru_cache(maxsize=1)
def paths() -> tuple[str, ...]:
    """Every file that is in the repository or would be with the next commit."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        listed = list(_walked())
    return tuple(sorted(path for path in set(listed) if (ROOT / path).is_file()))


def _walked() -> Iterator[str]:
    """The same from a tree without its history, as an archive of the source gives it."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in GENERATED]
        yield from (str((Path(folder) / name).relative_to(ROOT)) for name in files)


def read(path: str) -> Source:
    """A file of the repository. What is not text reads as empty."""
    try:
        return Source(path, (ROOT / path).read_text())
    except UnicodeDecodeError:
        return Source(path, "")


@lru_cache(maxsize=1)
def services() -> tuple[str, ...]:
    """The services, by the folders that are there."""
    return tuple(sorted({path.split("/")[1] for path in paths() if re.fullmatch(r"services/\w+/.+", path)}))


def is_python(path: str) -> bool:
    """Whether a file is Python."""
    return path.endswith(".py")


def is_test(path: str) -> bool:
    """Whether a file belongs to the tests rather than to the product."""
    return "tests" in path.split("/") or path == "conftest.py"


def is_product(path: str) -> bool:
    """Python that runs in an installation: the library, the services and what deploys them."""
    return is_python(path) and path.startswith(("libs/", "services/", "deploy/")) and not is_test(path)
