"""BitMEX as a server: rows with ids and no numbers, dollars, ISO times."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final

from services.ingestor.simulator.moves import Change, Deal, Figures, Kind, Quote
from services.ingestor.simulator.recording import Level
from services.ingestor.simulator.twin import WHOLE, Ask, Reply, Topic, Twin, View, dollars, encoded, message, number

TABLES: Final[dict[str, Kind]] = {
    "orderBookL2": "book",
    "quote": "quote",
    "trade": "trade",
    "instrument": "figures",
    "liquidation": "figures",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Bitmex(Twin):
    """XBTUSD."""

    name: ClassVar[str] = "bitmex"
    symbol: ClassVar[str] = "XBTUSD"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._rows: dict[str, set[tuple[int, str]]] = {symbol: set() for symbol in self.symbols}

    def greeting(self) -> Sequence[bytes]:
        """Welcome."""
        return [encoded(info="Welcome to the BitMEX Realtime API.", version="2")]

    def size(self, text: str, price: str) -> str:
        """Dollars."""
        return dollars(text, price)

    def reply(self, text: str) -> Reply:
        """subscribe, unsubscribe, ping."""
        if text == "ping":
            return Reply([b"pong"])
        asked = message(text)
        op, names = str(asked.get("op")), [str(each).partition(":") for each in asked.get("args", [])]
        topics: list[Topic] = []
        frames: list[bytes] = []
        for table, _, symbol in names:
            if op not in ("subscribe", "unsubscribe") or table not in TABLES or not self.known([symbol]):
                frames.append(encoded(status=400, error=f"Unknown table or symbol: {table}:{symbol}"))
                continue
            frames.append(encoded(success=True, **{op: f"{table}:{symbol}"}))
            topics += [(TABLES[table], symbol)] if (TABLES[table], symbol) not in topics else []
        return Reply(frames, joined=topics) if op == "subscribe" else Reply(frames, left=topics)

    def http(self, ask: Ask, views: Mapping[str, View]) -> bytes | None:
        """instrument/active."""
        if ask.path != "/api/v1/instrument/active":
            return None
        return encoded_list([self._listed(symbol) for symbol in self.symbols])

    def topic_of(self, frame: Mapping[str, Any]) -> Topic | None:
        """By its table and the first of its rows."""
        rows, kind = frame.get("data") or [{}], TABLES.get(str(frame.get("table")))
        symbol = rows[0].get("symbol")
        return (kind, symbol) if kind is not None and symbol in self.symbols else None

    def snapshot(self, symbol: str, view: View) -> Sequence[bytes]:
        """The whole table."""
        bids, asks = view.top(WHOLE)
        self._rows[symbol] = {
            (_row_id(price), side) for side, levels in (("Buy", bids), ("Sell", asks)) for price, _ in levels
        }
        rows = [_row(symbol, "Buy", level, view.millis) for level in bids]
        rows += [_row(symbol, "Sell", level, view.millis) for level in asks]
        return [encoded(table="orderBookL2", action="partial", data=rows)]

    def change(self, symbol: str, change: Change, view: View) -> Sequence[bytes]:
        """One frame for what goes, one for what changes, one for what is new."""
        rows = self._rows[symbol]
        by_action: dict[str, list[dict[str, Any]]] = {"delete": [], "update": [], "insert": []}
        for side, levels in (("Buy", change.bids), ("Sell", change.asks)):
            for level in levels:
                ident = _row_id(level[0]), side
                row = _row(symbol, side, level, change.millis)
                if not Decimal(level[1]):
                    if ident in rows:
                        rows.remove(ident)
                        by_action["delete"].append(row)
                    continue
                by_action["update" if ident in rows else "insert"].append(row)
                rows.add(ident)
        return [encoded(table="orderBookL2", action=action, data=data) for action, data in by_action.items() if data]

    def quote(self, symbol: str, quote: Quote) -> Sequence[bytes]:
        """quote."""
        (bid, bid_size), (ask, ask_size) = quote.bid, quote.ask
        row = {
            "bidSize": number(bid_size),
            "bidPrice": number(bid),
            "askPrice": number(ask),
            "askSize": number(ask_size),
        }
        return [_inserted("quote", {"timestamp": _iso(quote.millis), "symbol": symbol, **row})]

    def deal(self, symbol: str, deal: Deal) -> Sequence[bytes]:
        """trade."""
        row = {
            "timestamp": _iso(deal.millis),
            "symbol": symbol,
            "side": deal.side.capitalize(),
            "size": number(deal.size),
            "price": number(deal.price),
            "trdMatchID": f"00000000-0000-0000-0000-{deal.number:012d}",
        }
        return [_inserted("trade", row)]

    def figures(self, symbol: str, figures: Figures) -> Sequence[bytes]:
        """instrument."""
        row = {
            "symbol": symbol,
            "timestamp": _iso(figures.millis),
            "markPrice": number(figures.mark),
            "indicativeSettlePrice": number(figures.index_price),
            "fundingRate": number(figures.rate),
            "indicativeFundingRate": number(figures.predicted),
            "fundingTimestamp": _iso(figures.next_millis),
            "openInterest": 1_000_000,
        }
        return [encoded(table="instrument", action="update", data=[row])]

    def _listed(self, symbol: str) -> dict[str, Any]:
        return {
            "symbol": symbol,
            "state": "Open",
            "typ": "FFWCSX",
            "underlying": symbol.removesuffix("USD"),
            "quoteCurrency": "USD",
            "tickSize": number(self.grid(symbol)[0]),
            "isInverse": True,
            "isQuanto": False,
        }


def encoded_list(rows: list[dict[str, Any]]) -> bytes:
    """Rows without an envelope."""
    return encoded(rows=rows)[len(b'{"rows":') : -1]


def _row_id(price: str) -> int:
    return int(Decimal(price) * 100)


def _row(symbol: str, side: str, level: Level, millis: int) -> dict[str, Any]:
    row: dict[str, Any] = {"symbol": symbol, "id": _row_id(level[0]), "side": side, "timestamp": _iso(millis)}
    return {**row, "size": number(level[1]), "price": number(level[0])}


def _iso(millis: int) -> str:
    return (_EPOCH + timedelta(milliseconds=millis)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _inserted(table: str, row: dict[str, Any]) -> bytes:
    return encoded(table=table, action="insert", data=[row])


TWINS: Final[Sequence[type[Twin]]] = (Bitmex,)
