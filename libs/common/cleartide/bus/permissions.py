"""Who may say and hear what on NATS: one user per service, derived from the stream table, and no more than that.

Consumers are named after the service that reads; a service may create, delete and pull its own consumer on its input
stream, read that stream by number (a standby does), publish its own subjects, and answer its own queries. The gateway
reads trading events back by number too, for webhooks and notifications; it gives the venue commands of its operators,
and hears which of them matching refuses. The viewer may only listen to risk alerts, read
them back by sequence, and follow books and auctions, which the trader may do too; the trader may also ask what became
of the orders that it gives and of the money that it moves. Streams are made and changed by the operator alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cleartide.bus.streams import BOOKS, COMMANDS, DEAD_LETTERS, EVENTS, MARKET, READS, SERVICES, STREAMS, subjects_of
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


def users(passwords: Mapping[str, str]) -> list[NatsUser]:
    """Every user with its rights; `passwords` holds one password per name of USERS, and those of more pools."""
    return [
        NatsUser(OPERATOR, passwords[OPERATOR], (">",), (">",)),
        *(_service(name, passwords[name]) for name in SERVICES),
        *(_service(name, passwords[name]) for pools in POOLS.values() for name in pools[1:] if name in passwords),
        _viewer(passwords[VIEWER]),
        _trader(passwords[TRADER]),
    ]


def _writes(name: str) -> tuple[str, ...]:
    return tuple(subject for stream in STREAMS for subject in subjects_of(stream, name))


def _service(name: str, password: str) -> NatsUser:
    stream = READS[base_of(name)].name
    publish = [
        *_writes(name),
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.{name}",
        f"$JS.API.CONSUMER.CREATE.{stream}.{name}.>",
        f"$JS.API.CONSUMER.DELETE.{stream}.{name}",
        f"$JS.API.CONSUMER.INFO.{stream}.{name}",
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}",
        f"$JS.API.DIRECT.GET.{stream}",
        f"$JS.ACK.{stream}.{name}.>",
    ]
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
