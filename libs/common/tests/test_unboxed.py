"""What Cython is given: the same statements, with words where the annotations say words."""

from textwrap import dedent

import pytest
from cleartide.unboxed import facade, in_order, unboxed

BOOK = dedent('''
    """Rows."""

    from librt.vecs import vec
    from mypy_extensions import i64

    MOST: Final = (1 << 40) - 1
    ROW: Final = 8

    def zeros(words: i64) -> vec[i64]:
        return vec[i64]([0] * words)

    @final
    class Book:
        def __init__(self) -> None:
            self.rows: vec[i64] = zeros(ROW)
            self.names: Final[list[str]] = []

        def put(self, row: i64, lots: i64) -> None:
            if lots > MOST:
                return
            rows, at = self.rows, row * ROW
            rows[at] = lots

        def _first(self) -> i64:
            names: list[str] = self.names
            return len(names)
    ''')
CORE = dedent('''
    """A market."""

    from services.matching.engine.book import ROW, Book

    @final
    class Engine:
        def __init__(self) -> None:
            self.book: Final = Book()

        def take(self, row: i64) -> list[int]:
            rows = self.book.rows
            return [rows[row + ROW]]

        def expect(self, row: i64) -> None:
            rows = self.book.rows
            fetch(rows, rows[row])
    ''')


@pytest.fixture(scope="module")
def made() -> str:
    """Both modules as one."""
    return unboxed(in_order({"core": CORE, "book": BOOK}), checked=False)


def test_what_is_imported_comes_first() -> None:
    """MATCH-ENG-029: a class is known before it is used."""
    assert list(in_order({"core": CORE, "book": BOOK})) == ["book", "core"]


def test_constants_are_literals_and_large_ones_words(made: str) -> None:
    """MATCH-ENG-029: no look-up of a name, no Python number."""
    assert "zeros(8)" in made
    assert f"lots > cython.cast(cython.longlong, {(1 << 40) - 1})" in made
    assert "MOST" not in made and "ROW" not in made


def test_attributes_have_the_types_of_their_annotations(made: str) -> None:
    """MATCH-ENG-029: words are memory, a class is that class, all else is Python's."""
    assert "rows = cython.declare(cython.longlong[::1], visibility='readonly')" in made
    assert "names = cython.declare(object, visibility='readonly')" in made
    assert "book = cython.declare(Book, visibility='readonly')" in made


def test_another_name_of_an_array_is_that_array(made: str) -> None:
    """MATCH-ENG-029: also of one that belongs to another object."""
    assert "self.rows[at] = lots" in made
    assert "return [self.book.rows[row + 8]]" in made


def test_what_takes_and_answers_words_is_a_function_of_c(made: str) -> None:
    """MATCH-ENG-029: with a public name for Python too; a list is for Python alone."""
    above = {line.split("(")[0].split()[-1]: made.splitlines()[number - 4 : number]
             for number, line in enumerate(made.splitlines()) if line.startswith("    def ")}  # fmt: skip
    assert "    @cython.ccall" in above["put"]
    assert "    @cython.cfunc" in above["_first"]
    assert not {"    @cython.ccall", "    @cython.cfunc"} & set(above["take"])


def test_what_is_only_to_be_fetched_is_an_address(made: str) -> None:
    """MATCH-ENG-029: whose word is not read."""
    assert "prefetch(cython.address(self.book.rows[self.book.rows[row]]))" in made


def test_what_the_head_has_of_its_own_is_not_taken_from_the_sources(made: str) -> None:
    """MATCH-ENG-029: zeros, which are memory of whole pages."""
    assert made.count("def zeros(") == 1


@pytest.mark.parametrize("checked", [False, True])
def test_indexes_are_checked_where_that_is_asked_for(checked: bool) -> None:
    """MATCH-ENG-029"""
    assert f"boundscheck={checked}" in unboxed({"book": BOOK}, checked=checked)


def test_a_facade_has_the_constants_and_leaves_the_rest_to_the_library() -> None:
    """MATCH-ENG-029: who imports the module finds every name that the source has."""
    made = facade(BOOK, "library")
    assert "ROW: Final = 8" in made
    assert "from library import Book" in made and "from library import zeros" in made
    assert "class Book" not in made
