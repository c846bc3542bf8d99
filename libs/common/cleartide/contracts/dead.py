"""Dead letters: a message that could not be applied, kept with the reason so that it can be inspected and redriven."""

from typing import ClassVar, Literal

from pydantic import Field

from cleartide.contracts.base import Message
from cleartide.contracts.types import ReasonCode, Seq, SourceName


class DeadLettered(Message):
    """One refused message. `payload_base64` holds its first 64 KiB; `payload_bytes` is its full size."""

    subject_template: ClassVar[str] = "dead.{service}.{reason}"
    type: Literal["DeadLettered"] = "DeadLettered"
    version: Literal[1] = 1
    service: SourceName
    reason: ReasonCode
    error: str = Field(max_length=500)
    stream: str
    stream_seq: Seq
    subject_of_origin: str
    index_in_message: int = Field(ge=0)
    attempts: int = Field(ge=1)
    payload_base64: str
    payload_bytes: int = Field(ge=0)
