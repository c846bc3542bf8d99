"""Who may say and hear what on NATS: one user per service, derived from the stream table, and no more than that.

Consumers are named after the service that reads; a service may create, delete and pull its own consumer on its input
stream, read that stream by number (a standby does), publish its own subjects, and answer its own queries. The gateway
reads trading events back by number too, for webhooks and notifications; it gives the venue commands of its operators,
and hears which of them matching refuses. The viewer may only listen to risk alerts, read
them back by sequence, and follow books and auctions, which the trader may do too; the trader may also ask what became
of the orders that it gives and of the money that it moves. Streams are made and changed by the operator alone.
A guest is a service of somebody's own: it reads what matching says, answers its own queries, and publishes nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cleartide.bus.streams import (
    BOOKS,
    COMMANDS,
    DEAD_LETTERS,
    EVENTS,
    MARKET,
    READS,
    SERVICES,
    STREAMS,
    Stream,
    subjects_of,
)
from cleartide.contracts.pools import POOLS, base_of

OPERATOR: Final = "operator"
VIEWER: Final = "viewer"
TRADER: Final = "trader"
BOOK_QUESTIONS: Final = tuple(f"query.matching.{name}" for name in ("auctions", "book", "depth", "impact"))
ORDER_QUESTIONS: Final = tuple(
    f"query.matching.{name}" for name in ("commitments", "conditional_orders", "family", "orders")
)
MONEY_QUESTIONS: Final = tuple(f"query.matching.{name}" for name in ("fees", "margin", "open_transfers", "transfers"))
VAULT_QUESTIONS: Final = tuple(
    f"query.matching.{name}" for name in ("own_vault", "own_vaults", "vault_holdings", "vault_moves")
)
READ_BACK: Final = (EVENTS, COMMANDS, MARKET, DEAD_LETTERS)
"""What the gateway may read by number, beside its input: for webhooks, the operator's desk and the way of an alert."""
EDGE_ENDED: Final = "edge.ended"
"""The bell between processes of the gateway: somebody's session or key has ended."""
USERS: Final = (OPERATOR, *SERVICES, VIEWER, TRADER)
_GUEST: Final = re.compile(r"[a-z][a-z0-9]{0,30}")
_NO_GUESTS: Final = frozenset({*USERS, "public", "postgres", "cleartide", "monitor"})
"""Names that are somebody's, or something's, already."""


@dataclass(frozen=True)
class NatsUser:
    """One user and its rights. `allow_responses`: may answer requests that it received."""

    name: str
    password: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    allow_responses: bool = False


def inbox_prefix(user: str) -> str:
    """The inbox that only this user may listen on."""
    return f"_INBOX_{user}"


def is_guest_name(name: str) -> bool:
    """Whether a service of somebody's own may be called so: it is a NATS user, a role and a schema."""
    return _GUEST.fullmatch(name) is not None and name not in _NO_GUESTS


def users(passwords: Mapping[str, str], guests: Sequence[str] = ()) -> list[NatsUser]:
    """Every user with its rights; `passwords` holds one password per name of USERS and guest, and those of more pools.

    Raises ValueError for a guest whose name may not be one.
    """
    return [
        NatsUser(OPERATOR, passwords[OPERATOR], (">",), (">",)),
        *(_service(name, passwords[name]) for name in SERVICES),
        *(_service(name, passwords[name]) for pools in POOLS.values() for name in pools[1:] if name in passwords),
        _viewer(passwords[VIEWER]),
        _trader(passwords[TRADER]),
        *(_guest(name, passwords[name]) for name in guests),
    ]


def _writes(name: str) -> tuple[str, ...]:
    return tuple(subject for stream in STREAMS for subject in subjects_of(stream, name))


def _reads(name: str, source: Stream) -> tuple[str, ...]:
    """The rights to a consumer of one's own name on a stream, and to the stream by number."""
    stream = source.name
    return (
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.{name}",
        f"$JS.API.CONSUMER.CREATE.{stream}.{name}.>",
        f"$JS.API.CONSUMER.DELETE.{stream}.{name}",
        f"$JS.API.CONSUMER.INFO.{stream}.{name}",
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}",
        f"$JS.API.DIRECT.GET.{stream}",
        f"$JS.ACK.{stream}.{name}.>",
    )


def _guest(name: str, password: str) -> NatsUser:
    if not is_guest_name(name):
        raise ValueError(f"{name!r} cannot be the name of a service of one's own")
    heard = (f"{inbox_prefix(name)}.>", f"query.{name}.>")
    return NatsUser(name, password, _reads(name, EVENTS), heard, allow_responses=True)


def _service(name: str, password: str) -> NatsUser:
    publish = [*_writes(name), *_reads(name, READS[base_of(name)])]
    subscribe = [f"{inbox_prefix(name)}.>", f"query.{name}.>"]
    if name == "gateway":
        publish += ["query.>", EDGE_ENDED, *(f"$JS.API.DIRECT.GET.{stream.name}" for stream in READ_BACK)]
        subscribe += ["trading.>", "risk.alerts.>", "dead.matching.>", EDGE_ENDED, *BOOKS.subjects]
    return NatsUser(name, password, tuple(publish), tuple(subscribe), allow_responses=True)


def _viewer(password: str) -> NatsUser:
    return NatsUser(
        VIEWER,
        password,
        ("$JS.API.DIRECT.GET.RISK", *BOOK_QUESTIONS),
        ("risk.alerts.>", *BOOKS.subjects, f"{inbox_prefix(VIEWER)}.>"),
    )


def _trader(password: str) -> NatsUser:
    publish = (*_writes(TRADER), *BOOK_QUESTIONS, *ORDER_QUESTIONS, *MONEY_QUESTIONS, *VAULT_QUESTIONS)
    return NatsUser(TRADER, password, publish, (*BOOKS.subjects, f"{inbox_prefix(TRADER)}.>"))
