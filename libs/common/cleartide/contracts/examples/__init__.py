"""One example of every message, from one small story, for the schemas and for whoever reads them.

BTC-PERP has a tick of 0.1 and a lot of 0.001, so one lot moves 100 quanta per tick. alice and bob deposit 100 USDC
each; alice buys 25 lots from bob at 65,000.0. The mark falls to 63,500.0 (she is alerted), funding is settled, the mark
falls to 62,650.0 (she is liquidated in part, bob is not), and bob's day is closed there. A day later the index jumps by
a tenth, trading pauses for a minute, and in the end the market is delisted.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from cleartide.contracts.base import Message
from cleartide.contracts.codec import encode
from cleartide.contracts.examples.accounts import ACCOUNT_EXAMPLES
from cleartide.contracts.examples.auctions import AUCTION_EXAMPLES
from cleartide.contracts.examples.books import BOOK_EXAMPLES
from cleartide.contracts.examples.chain import CHAIN_EXAMPLES
from cleartide.contracts.examples.commands import COMMAND_EXAMPLES
from cleartide.contracts.examples.conditional import CONDITIONAL_EXAMPLES
from cleartide.contracts.examples.corrections import CORRECTION_EXAMPLES
from cleartide.contracts.examples.funding import FUNDING_EXAMPLES
from cleartide.contracts.examples.market import MARKET_EXAMPLES
from cleartide.contracts.examples.product_use import PRODUCT_USE_EXAMPLES
from cleartide.contracts.examples.products import PRODUCT_EXAMPLES
from cleartide.contracts.examples.sealed import SEALED_EXAMPLES
from cleartide.contracts.examples.solvency import SOLVENCY_EXAMPLES
from cleartide.contracts.examples.trading import TRADING_EXAMPLES
from cleartide.contracts.examples.venue import VENUE_EXAMPLES

EXAMPLES: Final[Mapping[type[Message], Message]] = {
    type(message): message
    for message in (
        *COMMAND_EXAMPLES,
        *TRADING_EXAMPLES,
        *CONDITIONAL_EXAMPLES,
        *VENUE_EXAMPLES,
        *ACCOUNT_EXAMPLES,
        *SOLVENCY_EXAMPLES,
        *FUNDING_EXAMPLES,
        *BOOK_EXAMPLES,
        *AUCTION_EXAMPLES,
        *SEALED_EXAMPLES,
        *CORRECTION_EXAMPLES,
        *MARKET_EXAMPLES,
        *PRODUCT_EXAMPLES,
        *CHAIN_EXAMPLES,
        *PRODUCT_USE_EXAMPLES,
    )
}


def example_of(contract: type[Message]) -> dict[str, Any]:
    """The example of one message, as its writer would encode it."""
    message: dict[str, Any] = json.loads(encode(EXAMPLES[contract]))
    return message
