"""The envelope that every command and event carries, and how a contract names its subject."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from cleartide.contracts.types import CauseId, MessageId, Micros, Seq, SourceName


class Contract(BaseModel):
    """A frozen value: strict types, unknown fields refused when it is built or published.

    Its validator is made when it is first used: a service uses few of the contracts, and starts the sooner.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class Message(Contract):
    """The envelope, flat beside the body.

    id: unique for all time and deterministic: the same input gives the same id.
    seq: gapless per (source, stream), from 1; 0 for publishers that do not number their messages.
    occurred_at: when it happened, by the clock of the sequencer for events and of the sender for commands.
    causation_id: the message that caused this one; correlation_id: the first message of the chain.
    """

    subject_template: ClassVar[str]
    packed: ClassVar[bool] = False
    unsaid: ClassVar[frozenset[str]] = frozenset()
    """Fields that are left out on the wire where nobody set them: their absence is not the default, but silence."""

    id: MessageId
    type: str
    version: int
    seq: Seq = 0
    occurred_at: Micros
    causation_id: CauseId = ""
    correlation_id: CauseId = ""
    source: SourceName

    @property
    def subject(self) -> str:
        """The NATS subject this message travels on."""
        template = self.subject_template
        return template.format_map(self.__dict__) if "{" in template else template
