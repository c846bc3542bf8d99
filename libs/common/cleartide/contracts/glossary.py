"""What each field means, with its unit, for those fields whose type does not say it. The schemas carry these texts.

`Contract.field` is for one contract, `field` for all the others that have it.
"""

from collections.abc import Mapping
from typing import Final

_ENVELOPE: Final = {
    "id": "unique for all time and deterministic: the same input gives the same id",
    "type": "name of the contract",
    "version": "version of the contract",
    "seq": "gapless per source and stream, from 1; 0 for publishers that do not number their messages",
    "causation_id": "id of the message that caused this one; empty where there is none",
    "correlation_id": "id of the first message of the chain; empty where there is none",
    "source": "who said it: a service, or an outside publisher",
}
_WHO_AND_WHERE: Final = {
    "account": "account id",
    "market": "market id",
    "venue": "outside venue",
    "symbol": "the venue's name of the instrument",
    "asset": "collateral asset",
    "buyer": "account that bought; null stands for the venue's outside account",
    "seller": "account that sold; null stands for the venue's outside account",
    "service": "service that refused the message",
}
_MARKET_RULES: Final = {
    "spec": "the market's fixed rules",
    "base": "base asset",
    "quote": "quote asset",
    "brackets": "slices of position notional in rising order; the last one is without bound (domain rule R8)",
    "upper_notional_quanta": "upper bound of the slice in quote quanta, 1e-6; null is without bound",
    "quanta_per_lot_tick": "quote quanta, 1e-6, that one lot is worth per tick",
}
_ORDERS: Final = {
    "client_order_id": "the client's own id of the order",
    "order_id": "matching's id of the order",
    "buy_order_id": "order id of the buying side; null where it had no order here",
    "sell_order_id": "order id of the selling side; null where it had no order here",
    "side": "buy or sell",
    "taker_side": "side of the aggressor",
    "order_type": "limit, or market with a price bound of its own (domain rule R27)",
    "time_in_force": "gtc rests until cancelled; ioc closes what does not fill at once",
    "post_only": "refused rather than traded at once",
    "reduce_only": "may only make the position smaller",
    "price": "positive decimal number as a string, in quote per base; null where there is none",
    "trade_id": "identity of the trade at its source",
    "outside_trade_id": "the other engine's id of an outside trade, else empty",
    "origin": "what brought the trade about",
    "filled_lots": "size traded, in lots",
    "unfilled_lots": "size closed without a trade, in lots",
    "size_lots": "size in lots",
    "reason": "machine-readable reason",
}
_PRICES: Final = {
    "sources": "every venue's contribution, used or rejected",
    "weight": "weight in the index; no unit",
    "age_micros": "age of the venue's price in microseconds",
    "rejected": "why the source does not count; empty where it does",
    "index_stale": "true: no fresh index; the mark is the last one, nobody is liquidated (domain rule R13)",
    "best_bid_ticks": "best bid in ticks of the market; null for an empty side",
    "best_ask_ticks": "best ask in ticks of the market; null for an empty side",
    "last_ticks": "price of the last trade in ticks of the market; null before the first",
    "open_interest_lots": "open interest in lots, long side",
    "interval_micros": "length of the interval in microseconds",
    "samples": "premium samples that the rate was made from; a count",
    "volume_lots": "volume in lots",
    "trades": "number of trades",
}
_VENUE_DATA: Final = {
    "venue_seq": "the venue's own sequence number",
    "expected_seq": "the venue sequence number that should have come",
    "quality": "ok, late, or resynced after a gap",
    "bid_lots": "size at the best bid, in the instrument's lots",
    "ask_lots": "size at the best ask, in the instrument's lots",
    "bids": "levels as (price in ticks, size in lots), best first",
    "asks": "levels as (price in ticks, size in lots), best first",
    "status": "state of the connection or symbol",
    "detail": "for people",
}
_RISK: Final = {
    "equity": "decimal number as a string, in the quote asset",
    "maintenance_margin": "decimal number as a string, in the quote asset",
    "cash": "decimal number as a string, in the quote asset",
    "unsettled_funding": "decimal number as a string, in the quote asset; credit > 0",
    "AlertInput.quote": "what the position has cost so far, signed; decimal number as a string, in the quote asset",
    "value": "lots * mark price, signed; decimal number as a string, in the quote asset",
    "health_factor": "equity / maintenance margin, floored to 1e-6, as a string; null without a requirement",
    "observed_seq": "seq of the trading event that the figures were computed after",
    "account_seq": "gapless per account, from 1",
    "level": "alert level that the account is in now",
    "previous_level": "alert level that the account left; null for none",
    "inputs": "the positions that entered the formula",
    "cause_id": "id of the trading event after which it was so",
}
_DEAD_LETTERS: Final = {
    "error": "for people: what is wrong",
    "stream": "stream of the refused message",
    "stream_seq": "JetStream sequence of the refused message",
    "subject_of_origin": "subject of the refused message",
    "index_in_message": "place of the refused event in its message, from 0",
    "attempts": "how often it was tried",
    "payload_base64": "the first 64 KiB of the refused event, base64",
    "payload_bytes": "full size of the refused event in bytes",
}
MEANINGS: Final[Mapping[str, str]] = {
    **_ENVELOPE,
    **_WHO_AND_WHERE,
    **_MARKET_RULES,
    **_ORDERS,
    **_PRICES,
    **_VENUE_DATA,
    **_RISK,
    **_DEAD_LETTERS,
}
