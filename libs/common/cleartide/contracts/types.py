"""Field types of the contracts. Every bound is written here once, so the JSON Schemas carry it too.

Units are in the names: ticks and lots are counts of a market's steps, quanta are 1e-6 of the quote asset,
ppb are 1e-9, micros are microseconds since the Unix epoch (UTC). Integers stay within +-(2**53 - 1), so a
reader in any language gets them exactly.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

JSON_SAFE: Final = 2**53 - 1

MessageId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,95}$")]
CauseId = Annotated[
    str,
    StringConstraints(pattern=r"^(?:[A-Za-z0-9][A-Za-z0-9._:-]{0,95})?$"),
    Field(description="id of another message; empty where there is none"),
]
SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,47}$")]
AccountId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,47}$")]
MarketId = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{1,23}$")]
VenueName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")]
ClientOrderId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]

PositiveDecimal = Annotated[
    str,
    StringConstraints(pattern=r"^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?$"),
    Field(description="positive decimal number as a string; zero is refused where it is used"),
]
SignedDecimal = Annotated[str, StringConstraints(pattern=r"^-?(?:0|[1-9][0-9]{0,21})(?:\.[0-9]{1,12})?$")]

Micros = Annotated[int, Field(ge=0, le=JSON_SAFE, description="microseconds since the Unix epoch, UTC")]
Seq = Annotated[int, Field(ge=0, le=JSON_SAFE)]
Ticks = Annotated[int, Field(gt=0, lt=2**40, description="price in ticks of the market")]
SignedTicks = Annotated[int, Field(gt=-(2**40), lt=2**40, description="price, or distance from one, in ticks")]
Lots = Annotated[int, Field(gt=0, lt=2**40, description="size in lots of the market")]
SignedLots = Annotated[int, Field(gt=-(2**50), lt=2**50, description="signed size in lots, long > 0")]
Quanta = Annotated[int, Field(ge=-JSON_SAFE, le=JSON_SAFE, description="quote quanta, 1e-6 of the quote asset")]
NonNegativeQuanta = Annotated[int, Field(ge=0, le=JSON_SAFE, description="quote quanta, 1e-6")]
Ppb = Annotated[int, Field(ge=-(10**12), le=10**12, description="rate in parts per billion, 1e-9")]
NonNegativePpb = Annotated[int, Field(ge=0, le=10**12, description="rate in parts per billion, 1e-9")]

Side = Literal["buy", "sell"]
OrderType = Literal[
    "limit",
    "market",
    "stop_market",
    "stop_limit",
    "take_profit_market",
    "take_profit_limit",
    "trailing_stop",
]
TimeInForce = Literal["gtc", "gtt", "ioc", "fok"]
SelfTradePrevention = Literal["expire_maker", "expire_taker", "expire_both", "decrement"]
TriggerSource = Literal["mark", "last", "index"]
FundingType = Literal["automatic", "manual", "emergency"]
OrderEnd = Literal["filled", "canceled", "expired", "rejected"]
