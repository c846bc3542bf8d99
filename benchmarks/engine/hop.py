"""The whole hop in one process: bytes of commands in, decoded and validated, matched, events encoded, bytes out.

The contract is pydantic: ticks, lots and numbers, as the inner side of a gateway has them. From the same models msgspec
structs are derived, with the same bounds, as JSON and by position. Ratios are to pydantic on both ends, message by
message; the last row is what remains when gateway and engine speak the engine's own records.
"""

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args

import msgspec
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from benchmarks.engine.flows import Flow
from benchmarks.engine.subjects.ours import commands, frames, new_engine
from services.matching.engine import records as r

Count = Annotated[int, Field(ge=0, lt=2**53)]
Lots = Annotated[int, Field(gt=0, lt=2**28)]
MARKET: Final = 1
MESSAGES: Final = 100_000
BATCH: Final = 100


class Contract(BaseModel):
    """Frozen, strict, closed: as all contracts are."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Place(Contract):
    """An order."""

    type: Literal["Place"] = "Place"
    seq: Count
    at: Count
    source: Count
    market: Count
    account: Count
    client_order_id: Count
    flags: Annotated[int, Field(ge=0, le=r.EVERY_FLAG)]
    price_ticks: Lots
    size_lots: Lots
    trigger_ticks: Count


class Cancel(Contract):
    """Its end."""

    type: Literal["Cancel"] = "Cancel"
    seq: Count
    at: Count
    account: Count
    order_id: Count
    client_order_id: Count


class Accepted(Contract):
    """An order has its id."""

    type: Literal["Accepted"] = "Accepted"
    seq: Count
    cause: Count
    account: Count
    order_id: Count
    flags: Count
    price_ticks: Count
    size_lots: Count


class Traded(Contract):
    """Two orders met."""

    type: Literal["Traded"] = "Traded"
    seq: Count
    cause: Count
    taker_order_id: Count
    maker_order_id: Count
    price_ticks: Count
    size_lots: Count
    taker_open_lots: Count
    maker_open_lots: Count
    taker: Count
    maker: Count


class Closed(Contract):
    """An order is over."""

    type: Literal["Closed"] = "Closed"
    seq: Count
    cause: Count
    account: Count
    order_id: Count
    reason: Literal[tuple(r.REASONS.values())]  # type: ignore[valid-type]
    open_lots: Count


INBOUND: Final = (Place, Cancel)
OUTBOUND: Final = (Accepted, Traded, Closed)


def derived(model: type[Contract], *, by_position: bool) -> type[msgspec.Struct]:
    """The struct of a contract: its fields in their order, its tag, its bounds."""
    fields = []
    for name, info in model.model_fields.items():
        if name == "type":
            continue
        bounds: dict[str, Any] = {}
        for limit in info.metadata:
            kind = type(limit).__name__.lower()
            bounds[kind] = getattr(limit, kind)
        annotation: Any = Annotated[info.annotation, msgspec.Meta(**bounds)] if bounds else info.annotation
        fields.append((name, annotation))
    return msgspec.defstruct(
        model.__name__,
        fields,
        tag=get_args(model.model_fields["type"].annotation)[0],
        array_like=by_position,
        forbid_unknown_fields=not by_position,
        frozen=True,
        gc=False,
    )


class Codec(NamedTuple):
    """How commands are read and events written, `size` of them in a message."""

    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]
    order: Any
    """The class that an order is decoded to."""
    makers: tuple[Callable[..., Any], ...]
    """Of events, as OUTBOUND."""
    size: int


def hop(codec: Codec) -> Callable[[Iterable[Any]], list[Any]]:
    """From the decoded commands of a message to their events, in the order of their contracts' fields.

    A command's number is its tag: the answer to it brings it back, and what follows from it has the same cause.
    """
    engine, order, seq, cause = new_engine(), codec.order, 0, 0
    place, cancel, drain = engine.place, engine.cancel, engine.drain
    accepted, traded, closed = codec.makers
    is_accepted, is_trade, reasons = r.ACCEPTED, r.TRADE, r.REASONS

    def take(commands: Iterable[Any]) -> list[Any]:
        nonlocal seq, cause
        for one in commands:
            if type(one) is order:
                place(one.account, one.flags, one.price_ticks, one.size_lots, one.trigger_ticks, one.seq)
            else:
                cancel(one.account, one.order_id, one.seq)
        events = []
        for kind, first, second, third, price, lots, left, last in drain():
            seq += 1
            if kind == is_accepted:
                cause = last
                events.append(accepted(seq, cause, second, first, third, price, lots))
            elif kind == is_trade:
                ends = (lots, left, last >> 32, last & 0xFFFFFFFF)
                events.append(traded(seq, cause, first, second, third, price, *ends))
            else:
                cause = last or cause
                events.append(closed(seq, cause, second, first, reasons[third], lots))
        return events

    return take


def by_name(model: type[Contract]) -> Callable[..., Contract]:
    """A contract from values in its fields' order."""
    names = [name for name in model.model_fields if name != "type"]
    return lambda *values: model(**dict(zip(names, values, strict=True)))


def inbound(flow: Flow) -> Iterator[Contract]:
    """The flow's commands as contracts."""
    for number, (kind, account, third, price, lots) in enumerate(commands(flow)):
        if kind == r.PLACE:
            yield Place(
                seq=number, at=1_700_000_000_000_000 + number, source=1, market=MARKET, account=account,
                client_order_id=number, flags=third, price_ticks=price, size_lots=lots, trigger_ticks=0,
            )  # fmt: skip
        else:
            yield Cancel(
                seq=number, at=1_700_000_000_000_000 + number, account=account, order_id=third, client_order_id=1
            )


def codecs() -> dict[str, Codec]:
    """By name."""
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[Place | Cancel, Field(discriminator="type")])
    makers = tuple(by_name(model) for model in OUTBOUND)
    found = {
        "pydantic": Codec(
            adapter.validate_json, lambda message: message.model_dump_json().encode(), Place, makers, size=1
        )
    }
    for name, library, by_position in (("json", msgspec.json, False), ("msgpack", msgspec.msgpack, True)):
        order, end = (derived(model, by_position=by_position) for model in INBOUND)
        writes = tuple(derived(model, by_position=by_position) for model in OUTBOUND)
        encode, either = library.Encoder().encode, order | end
        found[name] = Codec(library.Decoder(either).decode, encode, order, writes, size=1)
        found[f"{name}_batch"] = Codec(library.Decoder(list[either]).decode, encode, order, writes, BATCH)  # type: ignore[valid-type]
    return found


def contracts(flow: Flow) -> list[Contract]:
    """The commands that fill the book and those that are timed."""
    return list(islice(inbound(flow), flow.warm + MESSAGES))


def wire(messages: list[Contract], name: str) -> list[bytes]:
    """The commands as bytes of a codec."""
    if name == "pydantic":
        return [message.model_dump_json().encode() for message in messages]
    library: Any = msgspec.msgpack if name.startswith("msgpack") else msgspec.json
    structs = {model.__name__: derived(model, by_position=name.startswith("msgpack")) for model in INBOUND}
    found = []
    for message in messages:
        values = message.model_dump(exclude={"type"})
        found.append(structs[type(message).__name__](**values))
    if not name.endswith("_batch"):
        return [library.encode(message) for message in found]
    return [library.encode(found[at : at + BATCH]) for at in range(0, len(found), BATCH)]


def measure(messages: list[bytes], filling: int, name: str) -> float:
    """Messages per second of processor time, after the first ones have filled the book."""
    codec = codecs()[name]
    decode, encode, take, out = codec.decode, codec.encode, hop(codec), []
    warm = filling // codec.size
    for message in messages[:warm]:
        take(decode(message) if codec.size > 1 else (decode(message),))
    gc.collect()
    began = time.thread_time()
    if codec.size == 1:
        for message in messages[warm:]:
            for event in take((decode(message),)):
                out.append(encode(event))
    else:
        for message in messages[warm:]:
            out.append(encode(take(decode(message))))
    return MESSAGES / (time.thread_time() - began)


def measure_packed(flow: Flow) -> float:
    """The same in frames of 100 records; the events' bytes are copied out."""
    engine, out = new_engine(), []
    parts = list(islice(frames(flow, BATCH), (flow.warm + MESSAGES) // BATCH))
    for frame in parts[: flow.warm // BATCH]:
        engine.apply_packed(frame)
    gc.collect()
    began = time.thread_time()
    for frame in parts[flow.warm // BATCH :]:
        out.append(engine.apply_packed(frame).tobytes())
    return MESSAGES / (time.thread_time() - began)
