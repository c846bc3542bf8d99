"""OKX v5 as a server: contracts of 0.01, frames that name the one before, checksums over the best 25 levels."""

import zlib
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, ClassVar, Final

import msgspec

from services.ingestor.simulator import past
from services.ingestor.simulator.moves import Change, Deal, Figures, Kind, Quote
from services.ingestor.simulator.recording import Level
from services.ingestor.simulator.twin import Ask, Reply, Topic, Twin, View, contracts, encoded, message

LEVELS: Final = 400
CHECKED: Final = 25
CONTRACT: Final = "0.01"
CHANNELS: Final[dict[str, Kind]] = {
    "books": "book",
    "bbo-tbt": "quote",
    "trades": "trade",
    "tickers": "figures",
    "funding-rate": "figures",
    "mark-price": "figures",
    "open-interest": "figures",
    "index-tickers": "figures",
}


class Okx(Twin):
    """USDT swaps."""

    name: ClassVar[str] = "okx"
    symbol: ClassVar[str] = "BTC-USDT-SWAP"
    lot: ClassVar[str] = "0.1"

    def size(self, text: str, price: str) -> str:
        """Contracts."""
        return contracts(text, CONTRACT)

    def reply(self, text: str) -> Reply:
        """subscribe, unsubscribe, ping."""
        if text == "ping":
            return Reply([b"pong"])
        asked = message(text)
        op, arguments = str(asked.get("op")), [dict(each) for each in asked.get("args", [])]
        topics: list[Topic] = []
        frames: list[bytes] = []
        for each in arguments:
            symbol = next((name for name in self.symbols if name.startswith(str(each.get("instId")))), None)
            kind = CHANNELS.get(str(each.get("channel")))
            if op not in ("subscribe", "unsubscribe") or symbol is None or kind is None:
                frames.append(encoded(event="error", code="60018", msg=f"Invalid argument {each}", connId="1"))
                continue
            frames.append(encoded(event=op, arg=each, connId="1"))
            topics += [(kind, symbol)] if (kind, symbol) not in topics else []
        return Reply(frames, joined=topics) if op == "subscribe" else Reply(frames, left=topics)

    def http(self, ask: Ask, views: Mapping[str, View]) -> bytes | None:
        """instruments, and what was."""
        if (view := views.get(ask.query.get("instId", ""))) is not None:
            return self._past(ask, view.millis)
        if ask.path != "/api/v5/public/instruments":
            return None
        listed = [
            {
                "instId": symbol,
                "instFamily": symbol.removesuffix("-SWAP"),
                "state": "live",
                "ctType": "linear",
                "ctVal": CONTRACT,
                "ctMult": "1",
                "lotSz": self.grid(symbol)[1],
                "tickSz": self.grid(symbol)[0],
            }
            for symbol in self.symbols
        ]
        return encoded(code="0", msg="", data=listed)

    def _past(self, ask: Ask, now: int) -> bytes | None:
        """Newest first; both ends are exclusive."""
        symbol, limit = ask.query["instId"], min(100, int(ask.query.get("limit", "100")))
        start, end = int(ask.query["before"]) + 1, int(ask.query["after"]) - 1
        if ask.path == "/api/v5/market/history-candles":
            span = ask.query["bar"].removesuffix("utc").lower()
            found = self.past_candles(symbol, span, start, end, limit, now)
            rows: list[Any] = [[str(each.open_at), *each.prices, each.volume, "0", "0", "1"] for each in found]
        elif ask.path == "/api/v5/public/funding-rate-history":
            rates = past.fundings(symbol, start, end, 10**6, now)[::-1][:limit]
            rows = [
                {"instId": symbol, "fundingTime": str(at), "fundingRate": "0", "realizedRate": r} for at, r in rates
            ]
        else:
            return None
        return encoded(code="0", msg="", data=rows)

    def topic_of(self, frame: Mapping[str, Any]) -> Topic | None:
        """By its argument; an answer has that too, and no data."""
        about = frame.get("arg") or {}
        kind, symbol = CHANNELS.get(str(about.get("channel"))), about.get("instId")
        return (kind, symbol) if "data" in frame and kind is not None and symbol in self.symbols else None

    def snapshot(self, symbol: str, view: View) -> Sequence[bytes]:
        """The best levels."""
        return [self._book("snapshot", symbol, *view.top(LEVELS), (view.number, -1), view)]

    def change(self, symbol: str, change: Change, view: View) -> Sequence[bytes]:
        """One frame."""
        number = self.next_number(symbol)
        return [self._book("update", symbol, change.bids, change.asks, (number, number - 1), view)]

    def quote(self, symbol: str, quote: Quote) -> Sequence[bytes]:
        """bbo-tbt."""
        self.numbers[f"{symbol} bbo"] += 1
        data = {
            "bids": _levels([quote.bid]),
            "asks": _levels([quote.ask]),
            "ts": str(quote.millis),
            "seqId": self.numbers[f"{symbol} bbo"],
        }
        return [_frame("bbo-tbt", symbol, data)]

    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """One trade."""
        trade = {
            "instId": symbol,
            "tradeId": str(deal.number),
            "px": deal.price,
            "sz": deal.size,
            "side": deal.side,
            "ts": str(deal.millis),
        }
        return [_frame("trades", symbol, trade)]

    def figures(self, symbol: str, figures: Figures) -> Sequence[bytes]:
        """Rate and index first: they are said with the mark. All prices of the day are the best bid."""
        now, pair = str(figures.millis), symbol.removesuffix("-SWAP")
        rates = {"fundingRate": figures.rate, "nextFundingRate": figures.predicted}
        rate = {"instId": symbol, **rates, "fundingTime": str(figures.next_millis), "ts": now}
        best = self.newest[symbol].quote
        day = dict.fromkeys(("last", "high24h", "low24h"), best.bid[0]) if best is not None else None
        ticker = {"instId": symbol, **day, "vol24h": self.grid(symbol)[1], "ts": now} if day is not None else None
        return [
            *([_frame("tickers", symbol, ticker)] if ticker is not None else []),
            _frame("funding-rate", symbol, rate),
            _frame("index-tickers", pair, {"instId": pair, "idxPx": figures.index_price, "ts": now}),
            _frame("mark-price", symbol, {"instId": symbol, "markPx": figures.mark, "ts": now}),
        ]

    def _book(
        self, action: str, symbol: str, bids: list[Level], asks: list[Level], numbers: tuple[int, int], view: View
    ) -> bytes:
        value = _checksum(view) ^ self.wrong_checksum
        data = {
            "asks": _levels(asks),
            "bids": _levels(bids),
            "ts": str(view.millis),
            "checksum": value,
            "seqId": numbers[0],
            "prevSeqId": numbers[1],
        }
        return _frame("books", symbol, data, action=action)


def _checksum(view: View) -> int:
    """Over the text as the venue writes it."""
    parts: list[str] = []
    for levels in zip_longest(*view.top(CHECKED)):
        for level in levels:
            parts += [_shortest(text) for text in level or ()]
    value = zlib.crc32(":".join(parts).encode())
    return value - 2**32 if value >= 2**31 else value


def _shortest(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _levels(levels: Sequence[Level]) -> list[tuple[str, str, str, str]]:
    return [(price, size, "0", "1") for price, size in levels]


def _frame(channel: str, name: str, data: Any, **more: str) -> bytes:
    return msgspec.json.encode({"arg": {"channel": channel, "instId": name}, **more, "data": [data]})


TWINS: Final[Sequence[type[Twin]]] = (Okx,)
