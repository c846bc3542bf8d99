"""Commands of any shape: built from the contracts themselves, then damaged, or bytes that are no command at all."""

import json
import types
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from cleartide import contracts
from cleartide.contracts import Message
from cleartide.contracts import types as kinds
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

ACCOUNTS: Final = ("ann", "bob", "cat", "ann--one", "outside", "insurance", "nobody")
MARKETS: Final = ("BTC-PERP", "ETH-PERP", "NONE-PERP")
DECIMALS: Final = (
    *("0", "0.1", "0.001", "1", "1.5", "7", "999.9", "1000", "1000.1", "1000.05", "0.000001", "0.0000001"),
    *("100000", "1000000", "1099511627.775", "1099511627775", "109951162777.5", "4503599627.370496", "9007199254"),
    *("9007199254.740991", "999999999999999", "999999999999999.999999999999", "0.999999999999"),
)
INTEGERS: Final = (0, 1, 2, 3, 60, 10**3, 10**6, 3_600_000_000, 10**9 - 1, 10**9, 10**12, 2**40 - 1, 2**40, 2**53 - 1)
POOLS: Final[dict[Any, tuple[Any, ...]]] = {
    kinds.AccountId: ACCOUNTS,
    kinds.MarketId: MARKETS,
    kinds.ClientOrderId: ("a", "b", "c", "d"),
    kinds.MessageId: ("m1", "m2", "m3"),
    kinds.PositiveDecimal: DECIMALS,
    kinds.SignedDecimal: ("0", "-1", "5.5"),
    kinds.VenueName: ("one", "two"),
}
SOURCES: Final = {"UpdateIndexPrice": "ingestor", "LiquidateAccount": "risk", "SettleFunding": "funding"}
NUMBERED: Final = tuple(SOURCES.values())

OVERSIZED: Final = b"as many bytes as are too many"
"""Stands for a message beyond the limit, so that a failing example stays readable."""

junk: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([-1, 2**53, 2**63, -(2**63) - 1, 10**40, 0.5, -0.0, 1e308]),
    st.sampled_from(["", "NaN", "-1", "1e5", "Infinity", "\x00", "\ud800", "x" * 100, "ann\n", "0x10", "１"]),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)


class Payload(NamedTuple):
    """What arrives: the raw bytes if there are any, else a body; `number` is what a service's counter does."""

    raw: bytes | None
    body: Any
    number: Literal["next", "same", "gap", "none"]
    subject: str | None


def value_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values that the contract's type allows, with a liking for bounds."""
    if kind in POOLS:
        return st.sampled_from(POOLS[kind])
    origin = get_origin(kind)
    if origin is Annotated:
        return _bounded(get_args(kind))
    if origin in (Union, types.UnionType):
        return st.one_of([value_of(option) for option in get_args(kind)])
    if origin is Literal:
        return st.sampled_from(get_args(kind))
    if origin is tuple:
        return st.lists(value_of(get_args(kind)[0]), max_size=3)
    if kind is type(None):
        return st.none()
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.sampled_from(INTEGERS)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return body_of(kind)
    return st.sampled_from(["ann", "standard", "USDC", ""])


def _bounded(parts: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """An integer within its bounds, often at one of them; everything else as it is without constraints."""
    lowest, highest = -(10**13), 2**54
    for part in parts[1:]:
        for bound in part.metadata if isinstance(part, FieldInfo) else [part]:
            lowest = getattr(bound, "ge", getattr(bound, "gt", lowest))
            highest = getattr(bound, "le", getattr(bound, "lt", highest))
    if parts[0] is int:
        return st.one_of(st.sampled_from([lowest, highest, *INTEGERS]), st.integers(lowest, highest))
    return value_of(parts[0])


def body_of(contract: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """A body with all required fields, and some of the others."""
    hints = get_type_hints(contract, include_extras=True)
    required: dict[Any, st.SearchStrategy[Any]] = {}
    optional: dict[Any, st.SearchStrategy[Any]] = {}
    for name, info in contract.model_fields.items():
        if name in ("id", "type", "version", "seq", "source", "causation_id", "correlation_id"):
            continue
        kind = hints[name]
        value = _bounded((info.annotation, *info.metadata)) if info.annotation is int else value_of(kind)
        (required if info.is_required() else optional)[name] = value
    return st.fixed_dictionaries(required, optional=optional)


def _command(contract: type[Message]) -> st.SearchStrategy[dict[str, Any]]:
    """From a sender who may give such a command."""
    name = contract.model_fields["type"].default
    source = SOURCES.get(name) or ("operator" if contract.subject_template.startswith("admin.") else "gateway")
    return st.tuples(_envelope(name, source), body_of(contract)).map(lambda parts: {**parts[0], **parts[1]})


def _envelope(name: str, source: str) -> st.SearchStrategy[dict[str, Any]]:
    fields = {"type": st.just(name), "version": st.just(1), "source": st.just(source)}
    return st.fixed_dictionaries({"id": st.integers(0, 10**6).map(lambda number: f"f{number}"), **fields})


valid: Final = st.one_of([_command(contract) for contract in contracts.COMMANDS])

_orders: Final = st.fixed_dictionaries(
    {
        "account": st.sampled_from(ACCOUNTS[:4]),
        "market": st.sampled_from(MARKETS[:2]),
        "client_order_id": st.integers(0, 999).map(lambda number: f"o{number}"),
        "side": st.sampled_from(["buy", "sell"]),
        "order_type": st.just("limit"),
        "size": st.sampled_from(["0.001", "0.3", "2", "40", "1000", "1099511.627", "109951162.7", *DECIMALS[:6]]),
        "price": st.sampled_from(["999", "1000", "1000.5", "1001", "1050", "950", *DECIMALS]),
        "occurred_at": st.just(0),
    },
    optional={
        "time_in_force": st.sampled_from(["gtc", "ioc"]),
        "post_only": st.booleans(),
        "reduce_only": st.booleans(),
    },
)
_prices: Final = st.fixed_dictionaries(
    {
        "market": st.sampled_from(MARKETS[:2]),
        "price": st.sampled_from(["1000", "990", "1012.3", "700", "1500", "1", "109951162777.5", "0.001"]),
        "sources": st.just([]),
        "occurred_at": st.just(0),
    }
)
_reports: Final = st.fixed_dictionaries(
    {
        "market": st.sampled_from(MARKETS[:2]),
        "trade_id": st.integers(0, 999).map(lambda number: f"t{number}"),
        "price": st.sampled_from(["1000", "999.5", "1", *DECIMALS]),
        "size": st.sampled_from(["0.001", "2", "1000", "109951162.7", *DECIMALS[:6]]),
        "buyer": st.sampled_from(ACCOUNTS[:4]),
        "executed_at": st.just(0),
        "occurred_at": st.just(0),
    },
    optional={"seller": st.sampled_from(ACCOUNTS[:4])},
)
_liquidations: Final = st.fixed_dictionaries(
    {
        "account": st.sampled_from(ACCOUNTS[:4]),
        "market": st.just(MARKETS[0]),
        "equity": st.just("0"),
        "maintenance_margin": st.just("0"),
        "mark_price_ticks": st.just(1),
        "observed_seq": st.just(0),
        "occurred_at": st.just(0),
    }
)
plausible: Final = st.one_of(
    [
        st.tuples(_envelope(name, source), bodies).map(lambda parts: {**parts[0], **parts[1]})
        for name, source, bodies in (
            ("PlaceOrder", "gateway", _orders),
            ("PlaceOrder", "gateway", _orders),
            ("UpdateIndexPrice", "ingestor", _prices),
            ("ReportTrade", "engine", _reports),
            ("LiquidateAccount", "risk", _liquidations),
        )
    ]
)
"""Commands that mostly do something, with sizes and prices up to every bound."""


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A command with one or two of its fields gone, changed, swapped or added."""
    body = dict(draw(valid))
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(body)))
        match draw(st.integers(0, 4)):
            case 0:
                body.pop(name)
            case 1 | 2:
                body[name] = draw(junk)
            case 3:
                body[name] = draw(st.sampled_from(list(body.values())))
            case _:
                body[draw(st.sampled_from(["extra", "Type", "seq", "source", "account", "price"]))] = draw(junk)
        if not body:
            break
    return body


raw: Final = st.one_of(
    st.binary(max_size=60),
    junk.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    st.sampled_from([b"", b"[]", b"{}", b"[" * 5_000, b'{"type":"PlaceOrder"', b"\xff\xfe", b"null", OVERSIZED]),
)
numbers: Final = st.sampled_from(["next", "same", "gap", "none"])
subjects: Final = st.sampled_from([None, "orders.BTC-PERP", "admin.markets", "transfers.ann"])
payloads: Final = st.one_of(
    st.builds(Payload, st.none(), plausible, st.just("next"), st.none()),
    st.builds(Payload, st.none(), plausible, st.just("next"), st.none()),
    st.builds(Payload, st.none(), valid, st.just("next"), st.none()),
    st.builds(Payload, st.none(), valid, numbers, st.none()),
    st.builds(Payload, st.none(), damaged(), st.just("next"), subjects),
    st.builds(Payload, st.none(), st.lists(plausible, min_size=1, max_size=4), st.just("next"), st.none()),
    st.builds(Payload, raw, st.none(), st.just("none"), st.none()),
)
