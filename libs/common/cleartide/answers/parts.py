"""What many answers have in common."""

from typing_extensions import TypedDict

from cleartide.answers.shapes import TransferOutcome


class AsOf(TypedDict):
    """`as_of_seq`: the newest trading event that the answer knows of; null before the first."""

    as_of_seq: int | None


class Considered(AsOf):
    """`considered` below `total`: the venue has more accounts than one question may compute; the worst are in."""

    total: int
    considered: int


class Page(TypedDict):
    """`next`: `before` of the page that follows, null on the last."""

    next: int | None


class Named(TypedDict):
    """What it was done to."""

    id: str


class Held(TypedDict):
    """Collateral: what is held of an asset, and what of its value counts."""

    asset: str
    amount: str
    price: str | None
    weight: str
    value: str


Return = TypedDict("Return", {"return": str | None})
"""A fraction of what was there, null where nothing was."""
Yield = TypedDict("Yield", {"yield": str})
"""What vaults paid."""

__all__ = ["AsOf", "Considered", "Held", "Named", "Page", "Return", "TransferOutcome", "Yield"]
