"""Streams are made and checked here and nowhere else. Settings that would lose data are refused, not repaired."""

from typing import Any, Final

from cleartide.bus.nats import ApiError, NatsBus
from cleartide.bus.streams import STREAMS, Stream

STREAM_NOT_FOUND: Final = 10059
DUPLICATE_WINDOW_NANOS: Final = 120 * 10**9
CHECKED: Final = (
    "subjects",
    "retention",
    "storage",
    "discard",
    "max_age",
    "max_msgs",
    "max_msgs_per_subject",
    "allow_atomic",
    "allow_direct",
    "deny_delete",
    "deny_purge",
)


class StreamMismatch(Exception):  # noqa: N818
    """An existing stream is not configured as the stream table says."""


def stream_config(stream: Stream, first_seq: int = 0) -> dict[str, Any]:
    """The JetStream configuration of a stream. A full ledger stream refuses new messages rather than drop old ones."""
    config: dict[str, Any] = {
        "name": stream.name,
        "subjects": list(stream.subjects),
        "retention": "limits",
        "storage": "file",
        "discard": "old" if stream.max_age_seconds else "new",
        "max_age": stream.max_age_seconds * 10**9,
        "max_bytes": stream.max_bytes,
        "max_msgs": -1,
        "max_consumers": -1,
        "max_msg_size": -1,
        "max_msgs_per_subject": -1,
        "num_replicas": 1,
        "duplicate_window": DUPLICATE_WINDOW_NANOS,
        # The server compresses a block of 8 MB at once, when it is full, and nothing is stored or read in the meantime.
        "compression": "none",
        "allow_atomic": True,
        "allow_direct": True,
        "deny_delete": True,
        "deny_purge": not stream.max_age_seconds,
    }
    if first_seq > 1:
        config["first_seq"] = first_seq
    return config


async def ensure_stream(bus: NatsBus, stream: Stream, first_seq: int = 0) -> bool:
    """Make the stream if it is missing (True), else check what it is. Raises StreamMismatch.

    One that was made to be compressed is not any longer from the server's next start on, and loses nothing by it.
    """
    wanted = stream_config(stream, first_seq)
    try:
        info = await bus.api(f"STREAM.INFO.{stream.name}")
    except ApiError as error:
        if error.code != STREAM_NOT_FOUND:
            raise
        await bus.api(f"STREAM.CREATE.{stream.name}", wanted)
        return True
    actual = info["config"]
    wrong = [key for key in CHECKED if actual.get(key, False) != wanted[key] and (actual.get(key) or wanted[key])]
    if wrong or actual.get("persist_mode") == "async":
        raise StreamMismatch(f"{stream.name}: {', '.join(wrong) or 'persist_mode'} differ from the stream table")
    if actual.get("compression", "none") != wanted["compression"]:
        await bus.api(f"STREAM.UPDATE.{stream.name}", actual | {"compression": wanted["compression"]})
    return False


async def ensure_streams(bus: NatsBus) -> list[str]:
    """Every stream of the table; returns the names that were made."""
    return [stream.name for stream in STREAMS if await ensure_stream(bus, stream)]
