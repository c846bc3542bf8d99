"""What a service is made of: handlers that fold messages into state, and tables that hold the result.

Nothing here does I/O. The runner (`cleartide.bus`) drives the same handlers and repositories on the real bus and
store, in a rebuild, and in the seeded simulation.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from cleartide.contracts import Message

Row = tuple[Any, ...]
Key = tuple[Any, ...]
State = TypeVar("State")
M_contra = TypeVar("M_contra", bound=Message, contravariant=True)


class Reject(Exception):  # noqa: N818 - a verdict on a message, not a fault of ours
    """Raised by a handler BEFORE it changed anything: the message goes to the dead letters with this reason."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class Effects(Protocol):
    """What a handler may do besides changing its state."""

    @property
    def at(self) -> int:
        """Sequenced time of the causing message, microseconds UTC; never goes back."""
        ...

    @property
    def seq(self) -> int:
        """Position of the causing message in its input stream."""
        ...

    def emit(self, contract: type[Message], **body: Any) -> None:
        """Say something to others. The envelope is filled in; the body is validated against the contract here."""
        ...


class Handler(Protocol[M_contra]):
    """Folds one message into the state. Deterministic: no clock, no random, no I/O.

    True: that was a step, and the message has more. The handler is called with it again until it has none, before any
    other message; whether a commit or even a restart comes between two steps is nothing that it may depend on, so what
    is still to do is part of the state and of its rows.
    """

    def __call__(self, state: Any, event: M_contra, effects: Effects, /) -> bool | None: ...


Handlers = Mapping[type[Message], Callable[..., bool | None]]
"""One handler per contract. That of `Message` itself is called with every message, before the message's own handler;
it may not raise `Reject`, and what it does stands whatever becomes of the message. It is called before each step."""


@dataclass(frozen=True, eq=False)
class Table:
    """One table of a service's schema, as the store needs to know it.

    write: "upsert" replaces by key; "append" never sees a key twice; "ignore" keeps the first row of a key.
    load: whether its rows are part of the in-memory state and read back at start.
    digest: whether a rebuild must reproduce it exactly.
    beside: a column and its value in rows that commands write beside the fold: they never take the place of the fold's
    own, and a rebuild keeps them as they are.
    before: of a service whose input is kept for a time alone, the condition under which a row `t` is from before the
    input's beginning, `{first}`, in the schema `{old}`: a rebuild carries such rows over and folds the rest.
    """

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    write: Literal["upsert", "append", "ignore"] = "upsert"
    load: bool = True
    digest: bool = True
    beside: tuple[str, int] | None = None
    before: str = ""

    def __post_init__(self) -> None:
        missing = [column for column in self.key if column not in self.columns]
        if missing:
            raise ValueError(f"table {self.name}: key columns {missing} are not columns")

    def key_of(self, row: Row) -> Key:
        """The primary-key part of a row given in column order."""
        return tuple([row[position] for position in self.key_positions])

    @property
    def is_beside(self) -> str:
        """The condition that holds for rows written beside the fold; "false" where nobody does."""
        return f"{self.beside[0]} = {self.beside[1]}" if self.beside else "false"

    @cached_property
    def key_positions(self) -> tuple[int, ...]:
        """Where the key columns stand in a row."""
        names = list(self.columns)
        return tuple(names.index(column) for column in self.key)


@dataclass
class Changes:
    """Rows to write and keys to delete, captured right after a fold so that the next fold may go on."""

    rows: dict[Table, list[Row]] = field(default_factory=dict)
    deletes: dict[Table, list[Key]] = field(default_factory=dict)

    def put(self, table: Table, row: Row) -> None:
        """Write one row, given in the table's column order; an upsert table gets a key once per batch."""
        self.rows.setdefault(table, []).append(row)

    def put_all(self, table: Table, rows: Iterable[Row]) -> None:
        """Write many rows; none is fine."""
        if added := list(rows):
            self.rows.setdefault(table, []).extend(added)

    def delete(self, table: Table, key: Key) -> None:
        """Delete the row of a key. A key deleted here is not also put in the same batch."""
        self.deletes.setdefault(table, []).append(key)


class Repository(ABC, Generic[State]):
    """Turns state into rows and back. Declares the tables; the store makes the SQL."""

    tables: ClassVar[tuple[Table, ...]]

    @abstractmethod
    def restore(self, rows: Mapping[str, Sequence[Row]]) -> State:
        """State from the rows of every table with load=True, by table name; all empty on a first start."""

    @abstractmethod
    def collect(self, state: State) -> Changes:
        """Everything that changed since the last call; calling it clears the dirty marks."""
