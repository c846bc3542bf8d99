"""A second market, which batches, and an asset beside the settlement asset, for venues of tests."""

import time
import uuid
from collections.abc import Iterator
from typing import Any, Final

from cleartide.contracts import (
    AssetSpec,
    BatchTerms,
    FundPool,
    ListAsset,
    ListMarket,
    Message,
    UpdateIndexPrice,
)

from deploy.local.sandbox.market import SPEC
from tests.support.traffic import START_TICKS, price_text

SEALED: Final = "SEALED-PERP"
SECOND: Final = 1_000_000
BATCHING: Final = BatchTerms(commit_micros=SECOND, reveal_micros=10 * SECOND, bond_quanta=5 * SECOND)
USDT: Final = AssetSpec(
    asset="USDT",
    decimals=6,
    fixed_price="1",
    initial_weight_ppb=950_000_000,
    maintenance_weight_ppb=950_000_000,
    cap="1000000",
    conversion_fee_ppb=10_000_000,
)


def operated(contract: type[Message], **body: Any) -> Message:
    """A command of the operator."""
    envelope = {"id": uuid.uuid4().hex, "occurred_at": time.time_ns() // 1_000, "source": "operator"}
    return contract.model_validate({**envelope, **body})


def listing() -> Iterator[Message]:
    """What makes both, the asset with a pool to swap with."""
    yield operated(ListMarket, spec=SPEC.model_copy(update={"market": SEALED, "batching": BATCHING}))
    yield operated(UpdateIndexPrice, market=SEALED, price=price_text(START_TICKS), sources=())
    yield operated(ListAsset, spec=USDT)
    yield operated(FundPool, pool="swap", asset="USDT", amount="10000")
