"""Parameters that routes share, with the contracts' own patterns and bounds."""

from typing import Annotated, Literal

from cleartide.contracts.types import JSON_SAFE
from fastapi import Path, Query

_ACCOUNT = r"^[a-z0-9][a-z0-9_-]{0,47}$"
_MARKET = r"^[A-Z0-9][A-Z0-9-]{1,23}$"
RULE = r"^[a-z][a-z0-9-]{0,47}$"

AccountPath = Annotated[str, Path(pattern=_ACCOUNT)]
MarketPath = Annotated[str, Path(pattern=_MARKET)]
AccountFilter = Annotated[str | None, Query(pattern=_ACCOUNT)]
MarketFilter = Annotated[str | None, Query(pattern=_MARKET)]
Limit = Annotated[int, Query(ge=1, le=500)]
ClientOrderFilter = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
OrderState = Literal[
    "all", "open", "closed", "armed", "triggered", "partially_filled", "filled", "canceled", "expired", "rejected"
]
BeforeOrder = Annotated[int | None, Query(ge=0, le=JSON_SAFE, description="an order id that an answer gave")]
CandleLimit = Annotated[int, Query(ge=1, le=1_500)]
AfterSeq = Annotated[int | None, Query(ge=0, le=JSON_SAFE)]
BeforeLine = Annotated[int, Query(ge=1, le=JSON_SAFE, description="the id of a line that an answer gave")]
BeforeSeq = Annotated[int | None, Query(ge=0, le=JSON_SAFE, description="a `seq` that an answer gave")]
Before = Annotated[int | None, Query(ge=0, le=JSON_SAFE, description="microseconds since the Unix epoch, UTC")]
