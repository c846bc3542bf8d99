"""Imports point one way: library parts downwards, services from the shell to the domain, and never across."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.architecture.lint import Finding, Lint
from tests.architecture.source import Source, is_product, is_within

APPLICATIONS: Final = ("services", "deploy", "tests", "benchmarks")

PURE: Final = {"contracts", "money", "rules", "fold"}
RUNNER: Final = {"contracts", "fold", "bus", "telemetry"}
WHOLE: Final = {*PURE, *RUNNER, "store", "connect", "settings", "service"}
MAY_IMPORT: Final[dict[str, set[str]]] = {
    "money": set(),
    "contracts": {"contracts"},
    "rules": {"contracts", "money", "rules"},
    "fold": {"contracts"},
    "settings": set(),
    "compiled": set(),
    "unboxed": set(),
    "bus": RUNNER,
    "telemetry": {"bus", "telemetry"},
    "store": {"fold", "bus", "store"},
    "connect": {"bus"},
    "book_view": {"contracts"},
    "client_orders": {"contracts"},
    "client_accounts": {"contracts", "client_orders"},
    "client_money": {"contracts", "client_orders"},
    "client_sealed": {"contracts", "client_orders", "rules"},
    "client_vaults": {"contracts", "client_orders"},
    "client": {
        "contracts",
        "bus",
        "connect",
        "book_view",
        "client_accounts",
        "client_money",
        "client_orders",
        "client_sealed",
        "client_vaults",
    },
    "cli": {"cli", "contracts", "client", "client_orders"},
    "admin": {"contracts", "client"},
    "answers": {"answers"},
    "rest": {"rest", "answers"},
    "console": set(),
    "__main__": {"console"},
    "service": WHOLE,
    "ops": {*WHOLE, "client", "admin", "ops"},
}
"""Part of the library -> the parts it may import."""

LAYERS: Final = {
    "engine": 0,
    "domain": 0,
    "handlers": 1,
    "repository": 2,
    "tables": 2,
    "views": 2,
    "queries": 2,
    "app": 4,
    "__main__": 5,
}
SHELL: Final = 3
"""Layer of everything else in a service: settings, adapters, edge, transport."""

GENERATORS: Final = ("cleartide.contracts.asyncapi", "cleartide.contracts.schemas")
"""They describe the streams beside the messages, so they reach up to the bus."""

FOLD_PARTS: Final = ("handlers", "repository", "tables")
"""Parts of a service that run inside the fold: they take nothing but the pure library."""
FOLD_FORBIDDEN: Final = ("asyncio", "asyncpg", "nats", "faststream", "redis", "aiohttp", "socket", "threading")


def _library(source: Source) -> Iterator[Finding]:
    part = source.path.removesuffix(".py").split("/")[3]
    for line, module, name in source.imports():
        top, _, rest = module.partition(".")
        if top in APPLICATIONS:
            yield line, f"the library imports {module}"
        if top != "cleartide" or part == "__init__":
            continue
        imported = rest.partition(".")[0] or name
        if part not in MAY_IMPORT:
            yield line, f"{part} has no place in the order of the library's parts"
        elif imported not in MAY_IMPORT[part]:
            yield line, f"{part} imports cleartide.{imported}"


def _services(source: Source) -> Iterator[Finding]:
    parts = source.path.removesuffix(".py").split("/")
    if len(parts) < 3:
        return
    service, room = parts[1], parts[2]
    for line, module, name in source.imports():
        top, _, rest = module.partition(".")
        if top in ("deploy", "tests", "benchmarks"):
            yield line, f"a service imports {module}"
        if top == "services":
            other, _, inner = rest.partition(".")
            imported = inner.partition(".")[0] or name
            if (other or name) != service:
                yield line, f"{service} imports services.{other or name}"
            elif LAYERS.get(imported, SHELL) > LAYERS.get(room, SHELL):
                yield line, f"{room} imports {imported}, which is above it"
        if room in FOLD_PARTS and _leaves_the_fold(top, rest or name):
            yield line, f"{room} imports {module}"


def _generators(source: Source) -> Iterator[Finding]:
    for line, module, name in source.imports():
        if any(is_within(f"{module}.{name}", generator) for generator in GENERATORS):
            yield line, f"{module} writes schemas/ and is not for what runs"


def _leaves_the_fold(top: str, rest: str) -> bool:
    if top == "cleartide":
        return not any(is_within(rest, part) for part in PURE)
    return top in FOLD_FORBIDDEN


def _is_library(path: str) -> bool:
    return is_product(path) and path.startswith("libs/common/cleartide/")


def _is_service(path: str) -> bool:
    return is_product(path) and path.startswith("services/")


LIBRARY_LINT: Final = Lint("direction", _is_library, _library)
SERVICE_LINT: Final = Lint("direction", _is_service, _services)
GENERATOR_LINT: Final = Lint(
    "generators", lambda path: is_product(path) and "/cleartide/contracts/" not in path, _generators
)
LINTS: Final = (LIBRARY_LINT, SERVICE_LINT, GENERATOR_LINT)


@pytest.mark.parametrize("lint", LINTS, ids=("library", "services", "generators"))
def test_every_import_points_downwards(lint: Lint) -> None:
    assert lint.over_tree() == []


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("contracts/trading.py", "from cleartide.bus.streams import EVENTS"),
        ("contracts/trading.py", "from cleartide import service"),
        ("money.py", "from cleartide.contracts import Message"),
        ("rules/margin.py", "import cleartide.store.sql"),
        ("fold.py", "from cleartide.bus.ports import Commit"),
        ("bus/worker.py", "from cleartide.store.postgres import PostgresStore"),
        ("store/sql.py", "from cleartide.service import Service"),
        ("client.py", "from cleartide.store.postgres import PostgresStore"),
        ("service.py", "from services.risk.app import SERVICE"),
        ("ops/setup.py", "from deploy.local.postgres import PostgresServer"),
        ("newcomer.py", "from cleartide.money import PPB"),
    ],
)
def test_a_library_part_that_reaches_up_is_found(path: str, fault: str) -> None:
    assert len(LIBRARY_LINT.planted(f"libs/common/cleartide/{path}", fault)) == 1


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("domain/health.py", "from services.risk.repository import POSITIONS"),
        ("domain/health.py", "from services.risk import handlers"),
        ("handlers.py", "from services.risk.repository import POSITIONS"),
        ("handlers.py", "from cleartide.store.postgres import PostgresStore"),
        ("handlers.py", "from cleartide import bus"),
        ("handlers.py", "import asyncio"),
        ("repository.py", "import asyncpg"),
        ("repository.py", "from services.risk.app import SERVICE"),
        ("queries.py", "from services.risk.settings import RiskSettings"),
        ("feed.py", "from services.risk.app import SERVICE"),
        ("queries.py", "from services.matching.queries import QUERIES"),
        ("queries.py", "from services import matching"),
        ("app.py", "from deploy.local.nats import NatsServer"),
    ],
)
def test_a_service_that_reaches_up_or_across_is_found(path: str, fault: str) -> None:
    assert len(SERVICE_LINT.planted(f"services/risk/{path}", fault)) == 1


@pytest.mark.parametrize("fault", ["from cleartide.contracts import schemas", "import cleartide.contracts.asyncapi"])
def test_a_generator_in_what_runs_is_found(fault: str) -> None:
    assert len(GENERATOR_LINT.planted("libs/common/cleartide/service.py", fault)) == 1


def test_the_way_down_is_open() -> None:
    assert not SERVICE_LINT.planted("services/risk/app.py", "from services.risk.handlers import HANDLERS")
    assert not SERVICE_LINT.planted("services/risk/queries.py", "from services.risk.domain.levels import NAMES")
    assert not SERVICE_LINT.planted("services/risk/repository.py", "from cleartide.fold import Table")
    assert not LIBRARY_LINT.planted("libs/common/cleartide/ops/setup.py", "from cleartide.store.roles import x")
