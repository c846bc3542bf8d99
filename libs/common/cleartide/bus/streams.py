"""Every stream of the system: its subjects, who writes it, how it is kept. Provisioning and permissions follow it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cleartide import contracts
from cleartide.contracts import Message
from cleartide.contracts.pools import POOLS, base_of


@dataclass(frozen=True)
class Stream:
    """One JetStream stream.

    single_writer: its events carry one gapless `seq`, which is the reader's position; otherwise the position is the
    JetStream sequence. writers: service or outside role -> the subjects it may publish.
    retold: each of its writers numbers its own events without gaps, and its reader keeps the last number of each: a
    stream that was made anew is read from its start.
    max_age_seconds: 0 keeps everything (the stream is then rebuilt from outboxes, never trimmed by age). Of a stream
    with an age and one writer the outbox holds no more than what is still to be published.
    """

    name: str
    subjects: tuple[str, ...]
    contracts: tuple[type[Message], ...]
    writers: Mapping[str, tuple[str, ...]]
    single_writer: bool
    retold: bool = False
    public: bool = False
    max_age_seconds: int = 0
    max_bytes: int = 8 * 2**30

    @property
    def passing(self) -> bool:
        """Whether what it carries is of no use later: the outbox forgets it once it is published."""
        return self.single_writer and self.max_age_seconds > 0


COMMANDS: Final = Stream(
    name="COMMANDS",
    subjects=(
        "orders.>",
        "trades.>",
        "transfers.>",
        "prices.index.>",
        "liquidations.>",
        "funding.settle.>",
        "admin.>",
    ),
    contracts=contracts.COMMANDS,
    writers={
        "gateway": ("orders.>", "transfers.>", "trades.>", "admin.venue"),
        "trader": ("orders.>", "transfers.>", "trades.>"),
        "operator": ("admin.>",),
        "matching": ("admin.audit",),
        "ingestor": ("prices.index.>",),
        "risk": ("liquidations.>",),
        "funding": ("funding.settle.>",),
    },
    single_writer=False,
    public=True,
)
EVENTS: Final = Stream(
    name="EVENTS",
    subjects=("trading.>",),
    contracts=contracts.TRADING_EVENTS,
    writers={"matching": ("trading.>",)},
    single_writer=True,
)
BOOKS: Final = Stream(
    name="BOOKS",
    subjects=("books.>", "auctions.>"),
    contracts=contracts.BOOK_EVENTS,
    writers={"matching": ("books.>", "auctions.>")},
    single_writer=True,
    max_age_seconds=3600,
    max_bytes=2**30,
)
MARKET: Final = Stream(
    name="MARKET",
    subjects=("market.>",),
    contracts=contracts.MARKET_EVENTS,
    writers={"ingestor": ("market.>",)},
    single_writer=False,
    max_age_seconds=3 * 24 * 3600,
)
RISK: Final = Stream(
    name="RISK",
    subjects=("risk.>",),
    contracts=contracts.RISK_EVENTS,
    writers={"risk": ("risk.>",)},
    single_writer=False,
    retold=True,
)
FUNDING: Final = Stream(
    name="FUNDING",
    subjects=("funding.rates.>",),
    contracts=contracts.FUNDING_EVENTS,
    writers={"funding": ("funding.rates.>",)},
    single_writer=True,
)
EARNINGS: Final = Stream(
    name="EARNINGS",
    subjects=("earnings.>",),
    contracts=contracts.EARNINGS_EVENTS,
    writers={"earnings": ("earnings.>",)},
    single_writer=True,
)
ANALYTICS: Final = Stream(
    name="ANALYTICS",
    subjects=("analytics.>",),
    contracts=contracts.ANALYTICS_EVENTS,
    writers={"analytics": ("analytics.>",)},
    single_writer=True,
)
CHAIN: Final = Stream(
    name="CHAIN",
    subjects=("chain.>",),
    contracts=contracts.CHAIN_EVENTS,
    writers={"trader": ("chain.>",)},
    single_writer=False,
    public=True,
)
VAULTS: Final = Stream(
    name="VAULTS",
    subjects=("vaults.>",),
    contracts=contracts.VAULT_EVENTS,
    writers={"vaults": ("vaults.>",)},
    single_writer=True,
)
PRODUCT: Final = Stream(
    name="PRODUCT",
    subjects=("product.>",),
    contracts=contracts.PRODUCT_EVENTS,
    writers={"gateway": ("product.>",)},
    single_writer=False,
    max_age_seconds=7 * 24 * 3600,
    max_bytes=2**30,
)
"""Short-lived on purpose: what a person has erased leaves the stream with its age."""
SERVICES: Final = ("ingestor", "matching", "risk", "funding", "earnings", "analytics", "vaults", "product", "gateway")
DEAD_LETTERS: Final = Stream(
    name="DEAD_LETTERS",
    subjects=("dead.>",),
    contracts=contracts.DEAD_LETTER_EVENTS,
    writers={service: (f"dead.{service}.>",) for service in SERVICES},
    single_writer=False,
)

STREAMS: Final = (
    COMMANDS,
    EVENTS,
    BOOKS,
    MARKET,
    RISK,
    FUNDING,
    EARNINGS,
    ANALYTICS,
    CHAIN,
    VAULTS,
    PRODUCT,
    DEAD_LETTERS,
)
BY_NAME: Final = {stream.name: stream for stream in STREAMS}
PASSING: Final = frozenset(stream.name for stream in STREAMS if stream.passing)
STREAM_OF: Final[Mapping[type[Message], Stream]] = {
    contract: stream for stream in STREAMS for contract in stream.contracts
}
READS: Final[Mapping[str, Stream]] = {
    "ingestor": MARKET,
    "matching": COMMANDS,
    "risk": EVENTS,
    "funding": EVENTS,
    "earnings": EVENTS,
    "analytics": EVENTS,
    "vaults": CHAIN,
    "product": PRODUCT,
    "gateway": RISK,
}


def subjects_of(stream: Stream, name: str) -> tuple[str, ...]:
    """What a service, or a pool of one, may publish on a stream; its dead letters it buries under its own name."""
    base = base_of(name)
    return tuple(subject.replace(f"dead.{base}.", f"dead.{name}.") for subject in stream.writers.get(base, ()))


def services(pools: int) -> tuple[str, ...]:
    """Every service of an installation whose risk is of so many pools."""
    return (*SERVICES, *POOLS["risk"][1:pools])
