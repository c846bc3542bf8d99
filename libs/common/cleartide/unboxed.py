"""An engine's modules as one module for Cython, in which every `i64` is a machine word and every `vec[i64]` memory.

Types are what the annotations say; nothing is declared twice, and the sources stay plain Python. One module, so that
calls between theirs are calls in C. The dialect is narrow: a local without an annotation is an i64; a local that is
bound to an array attribute only is another name of that attribute, and reads it anew; module constants are literals.
Methods of words that answer words are C functions; those with a public name can be called from Python as well.
"""

import ast
from collections.abc import Iterator
from typing import Final

WORD: Final = "cython.longlong"
TYPES: Final = {
    "i64": WORD,
    "bool": "cython.bint",
    "vec[i64]": f"{WORD}[::1]",
    "None": "cython.int",
    "bytes": "bytes",
    "memoryview": "object",
}
"""Annotations as Cython's types. What answers None answers an int, which tells of an exception at less cost."""
FETCH: Final = "fetch"
OWN: Final = frozenset({"zeros", "longer", "fetches", "fetch_i64"})
"""Functions of which the head has its own."""
SMALL: Final = 1 << 31
"""A larger literal would be a Python object."""
HEAD: Final = """
# cython: language_level=3, infer_types=True, wraparound=False, initializedcheck=False, nonecheck=False, {checks}
# cython: binding=False
cimport cython
import mmap
from array import array
from bisect import bisect_left
from contextlib import suppress
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

PAGE = mmap.PAGESIZE // 8
HUGE = 1 << 21


def vec(words):
    return array("q", words)


def zeros(words, idle=0):
    # A page begins a cache line, so that a row is one. What fills most of a huge page asks for those, which a processor
    # finds sooner; where the system has none it has common ones.
    size = 8 * (words + idle)
    huge = 2 * size >= HUGE and hasattr(mmap, "MADV_HUGEPAGE")
    memory = mmap.mmap(-1, -(-size // HUGE) * HUGE if huge else size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if huge:
        with suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    return touched(memory, 0, words)[: words + idle]


def touched(memory, first, words):
    # Each page now, so that no command is the first to touch it. What is behind the words is no memory yet.
    view = memoryview(memory).cast("q")
    for at in range(first, words, PAGE):
        view[at] = 0
    return view


def longer(words, more):
    size, memory = len(words), words.base.obj
    if 8 * (size + more) <= len(memory):
        return touched(memory, size, size + more)[: size + more]
    fresh = zeros(size + more, 3 * (size + more))[: size + more]
    fresh[:size] = words
    return fresh


cdef extern from *:
    '''
    #define prefetch(word) __builtin_prefetch(word)
    '''
    void prefetch(void *word)


@cython.cfunc
@cython.inline
@cython.exceptval({raises})
def read_i64_le(frame: bytes, at: cython.longlong) -> cython.longlong:
    if {is_checked} and not 0 <= at <= PyBytes_GET_SIZE(frame) - 8:
        raise IndexError(at)
    return (<long long *> (PyBytes_AS_STRING(frame) + at))[0]


@cython.ccall
@cython.exceptval(check=False)
def fetches() -> cython.bint:
    return True


@cython.ccall
@cython.exceptval(check=False)
def fetch_i64(frame: bytes, at: cython.longlong) -> cython.int:
    prefetch(PyBytes_AS_STRING(frame) + at)
    return 0
"""


def unboxed(modules: dict[str, str], *, checked: bool) -> str:
    """One source of modules by name, in the order in which they import each other. checked: indexes are, at a cost."""
    raises = "-1, check=True" if checked else "check=False"
    head = HEAD.strip().format(checks=f"boundscheck={checked}", is_checked=checked, raises=raises)
    trees = {name: ast.parse(source) for name, source in modules.items()}
    classes = {node.name: node for tree in trees.values() for node in tree.body if isinstance(node, ast.ClassDef)}
    fields = {name: dict(_fields(node, classes)) for name, node in classes.items()}
    arrays = {field for each in fields.values() for field, kind in each.items() if kind == TYPES["vec[i64]"]}
    known: dict[str, dict[str, int]] = {}
    parts = [head]
    for name, tree in trees.items():
        known[name] = _constants(tree, known)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name not in OWN:
                parts.append(ast.unparse(_plain(node, known[name])))
            elif isinstance(node, ast.ClassDef):
                parts.append(_class(node, fields[node.name], known[name], arrays))
    return "\n\n\n".join(parts).replace("vec[i64](", "vec(") + "\n"


def facade(source: str, library: str) -> str:
    """A module of the same names: its constants as they are, its classes and functions from the library."""
    tree = ast.parse(source)
    made = [node.name for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    tree.body = [node for node in tree.body if not isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    return "\n".join([ast.unparse(tree), *(f"from {library} import {name}" for name in made), ""])


def in_order(modules: dict[str, str]) -> dict[str, str]:
    """Each after those that it imports."""
    found: dict[str, str] = {}

    def visit(name: str) -> None:
        for node in ast.parse(modules[name]).body:
            needed = node.module.rpartition(".")[2] if isinstance(node, ast.ImportFrom) and node.module else ""
            if needed in modules and needed not in found:
                visit(needed)
        found.setdefault(name, modules[name])

    for name in sorted(modules):
        visit(name)
    return found


def _constants(tree: ast.Module, known: dict[str, dict[str, int]]) -> dict[str, int]:
    """Whole numbers by name: the module's own `Final` ones and those that it imports."""
    found: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            theirs = known.get(node.module.rpartition(".")[2], {})
            found |= {each.name: theirs[each.name] for each in node.names if each.name in theirs}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            said = ast.unparse(node.annotation)
            value = eval(ast.unparse(node.value), {"__builtins__": {}}, dict(found)) if said == "Final" else None
            if isinstance(value, int):
                found[node.target.id] = value
    return found


def _fields(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> Iterator[tuple[str, str]]:
    """The attributes that `__init__` sets, with their types."""
    for each in ast.walk(node):
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Attribute):
            said = ast.unparse(each.annotation).removeprefix("Final")
            said = said.removeprefix("[").removesuffix("]") if said.startswith("[") else said
            if not said and isinstance(each.value, ast.Call) and isinstance(each.value.func, ast.Name):
                said = each.value.func.id
            yield each.target.attr, said if said in classes else TYPES.get(said, "object")


def _expression(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


class _Literals(ast.NodeTransformer):
    """Constants instead of their names, and large ones as words."""

    def __init__(self, constants: dict[str, int]) -> None:
        self.constants: Final = constants

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self.constants:
            return self.visit_Constant(ast.Constant(self.constants[node.id]))
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if type(node.value) is int and abs(node.value) >= SMALL:
            return _expression(f"cython.cast({WORD}, {node.value})")
        return node


class _Aliases(ast.NodeTransformer):
    """Attributes that are arrays instead of the locals that name them: a local would count references."""

    def __init__(self, arrays: set[str]) -> None:
        self.arrays: Final = arrays
        self.named: Final[dict[str, ast.expr]] = {}

    def visit_Assign(self, node: ast.Assign) -> ast.stmt | None:
        self.generic_visit(node)
        target, value = node.targets[0], node.value
        pairs = [(target, value)]
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = list(zip(target.elts, value.elts, strict=True))
        kept = [pair for pair in pairs if not self._names(*pair)]
        if len(kept) == len(pairs):
            return node
        if not kept:
            return None
        targets, values = [each for each, _ in kept], [each for _, each in kept]
        if len(kept) == 1:
            return ast.Assign([targets[0]], values[0])
        return ast.Assign([ast.Tuple(targets, ast.Store())], ast.Tuple(values, ast.Load()))

    def _names(self, target: ast.expr, value: ast.expr) -> bool:
        if isinstance(target, ast.Name) and isinstance(value, ast.Attribute) and value.attr in self.arrays:
            self.named[target.id] = value
            return True
        return False

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.named.get(node.id, node) if isinstance(node.ctx, ast.Load) else node


class _Hints(ast.NodeTransformer):
    """Addresses instead of words that are only to be fetched."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == FETCH:
            array, at = map(ast.unparse, node.args)
            return _expression(f"prefetch(cython.address({array}[{at}]))")
        return node


def _plain(node: ast.FunctionDef, constants: dict[str, int]) -> ast.FunctionDef:
    """A function at the head of a module: Python's in all, without annotations, which speak of other packages."""
    _Literals(constants).visit(node)
    node.returns = None
    for argument in node.args.args:
        argument.annotation = None
    node.decorator_list = [_expression("cython.wraparound(True)"), _expression("cython.boundscheck(True)")]
    return ast.fix_missing_locations(node)


def _class(node: ast.ClassDef, fields: dict[str, str], constants: dict[str, int], arrays: set[str]) -> str:
    """A class of C: its attributes declared, its methods as `_method` has them."""
    node.decorator_list = [_expression("cython.final"), _expression("cython.cclass")]
    node.body = [_method(each, constants, arrays) for each in node.body if isinstance(each, ast.FunctionDef)]
    declared = [f"{name} = cython.declare({kind}, visibility='readonly')" for name, kind in fields.items()]
    node.body[:0] = ast.parse("\n".join(declared)).body
    return ast.unparse(ast.fix_missing_locations(node))


def _method(node: ast.FunctionDef, constants: dict[str, int], arrays: set[str]) -> ast.FunctionDef:
    """A method with types: of C where all that goes in and out is words."""
    said = [ast.unparse(each.annotation) for each in node.args.args if each.annotation]
    answers = ast.unparse(node.returns) if node.returns else "None"
    is_words = node.name != "__init__" and {*said, answers} <= {"i64", "bool", "None"}
    _Literals(constants).visit(node)
    _Aliases(arrays).visit(node)
    _Hints().visit(node)
    _annotate(node)
    node.returns = None
    for each in ast.walk(node):
        if is_words and isinstance(each, ast.Return) and each.value is None:
            each.value = ast.Constant(0)
    decorators = []
    if node.name != "__init__" and (untyped := _untyped(node)):
        decorators.append(f"cython.locals({', '.join(f'{name}={WORD}' for name in untyped)})")
    if is_words:
        decorators.append("cython.cfunc" if node.name.startswith("_") else "cython.ccall")
        check = "check=True" if answers == "i64" else "check=False"
        decorators += [f"cython.returns({TYPES[answers]})", f"cython.exceptval(-1, {check})"]
    node.decorator_list = [_expression(each) for each in decorators]
    return node


def _annotate(node: ast.FunctionDef) -> None:
    """Types of arguments and locals in Cython's words; attributes are declared by the class."""
    for argument in (*node.args.args, *node.args.kwonlyargs):
        if argument.annotation is not None:
            kind = TYPES.get(ast.unparse(argument.annotation))
            argument.annotation = _expression(kind) if kind else None
    for each in ast.walk(node):
        if isinstance(each, ast.AnnAssign):
            kind = (
                "object"
                if isinstance(each.target, ast.Attribute)
                else TYPES.get(ast.unparse(each.annotation), "object")
            )
            each.annotation = _expression(kind)


def _untyped(node: ast.FunctionDef) -> list[str]:
    """Locals without an annotation, those of comprehensions aside."""
    inner = {
        name.id
        for each in ast.walk(node)
        if isinstance(each, ast.comprehension)
        for name in ast.walk(each.target)
        if isinstance(name, ast.Name)
    }
    stored, said = set[str](), {argument.arg for argument in node.args.args}
    for each in ast.walk(node):
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            said.add(each.target.id)
        elif isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            stored.add(each.id)
    return sorted(stored - said - inner)
