"""The same fold on a real PostgreSQL: migrations fit the tables, the database guards the ledger, queries answer."""

import json
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from cleartide.book_view import BookView
from cleartide.bus.ports import Delivery
from cleartide.contracts import BatchTerms, CommitOrder, Message, OrderAccepted, OrderClosed, OrderTerms, RevealOrder
from cleartide.contracts.codec import encode
from cleartide.contracts.types import JSON_SAFE
from cleartide.rules.sealing import digest_of
from cleartide.service import QueryError

from services.matching.app import SERVICE
from services.matching.audit.auditor import Auditor
from services.matching.audit.evidence import Marks
from services.matching.audit.reader import begin, read_news, read_view
from services.matching.queries import QUERIES
from services.matching.tests.flows import EVERYTHING, TRADERS, Step, perform
from services.matching.tests.household import household
from services.matching.tests.ruled import slow_seller
from services.matching.tests.support import MARKET, Exchange, of
from services.matching.tests.vault_room import check_vaults, vault_room
from services.matching.tests.venue import run_in
from services.matching.tests.waiting import waiting_room
from services.matching.views.fees import fees_view
from services.matching.views.margin import margin_view
from tests.support.fold_bench import in_batches
from tests.support.schema import ServiceSchema, migrated
from tests.support.servers import Database


@pytest.fixture
async def schema(database: Database) -> ServiceSchema:
    """A migrated schema, seen as the service sees it."""
    return await migrated(database, SERVICE.fold, SERVICE.migrations)


def messages(commands: Sequence[tuple[int, Message]]) -> list[Delivery]:
    """Commands as their senders publish them; their places in the stream are still open."""
    return [Delivery(0, at, command.subject, encode(command), "", 0) for at, command in commands]


def busy(seed: int, steps: int) -> Exchange:
    """A long random day, then a small one with known figures."""
    draw = random.Random(seed)
    ex = Exchange()
    run_in(ex, "ann")
    slow_seller(ex)
    for trader in TRADERS:
        ex.deposit(trader, "200")
    ex.insure("500")
    for number in range(steps):
        side, who = draw.choice(("buy", "sell")), draw.randrange(len(TRADERS))
        step = Step(draw.choice(EVERYTHING), who, side, draw.randint(1, 600), draw.randint(-30, 30), draw.randrange(16))
        step = step._replace(terms=draw.randrange(48))
        perform(ex, number, step)
    ex.price("1000")
    for account in ("eve", "fay"):
        ex.deposit(account, "100000")
    seal(ex)
    ex.place("eve", "sell", "5", "1000", client_order_id="sells", post_only=False)
    ex.place("eve", "buy", "0.25", "0.1", client_order_id="waits")
    for price in ("1010", "1011"):
        ex.place("fay", "sell", "0.3", price, client_order_id=f"ask-{price}")
    waiting_room(ex, "fay")
    ex.deposit("ida", "1000")
    ex.auction("ida", "buy", "0.4", "1008", start="999", end="1001")
    ex.offer("fay", ex.state.counters.orders, "1000.5", "0.1")
    household(ex)
    vault_room(ex)
    ex.commit()
    return ex


def seal(ex: Exchange) -> None:
    """Another market, in which one commitment is open, one sealed, and one in the round after theirs."""
    ex.deposit("sia", "1000")
    ex.list(market="SEA-PERP", batching=BatchTerms(bond_quanta=1_000_000))
    order = OrderTerms(client_order_id="sealed", side="buy", order_type="limit", size="1", price="10")
    salt = "5a" * 32
    digest = digest_of("sia", "SEA-PERP", salt, order)
    for name in (digest, salt):
        ex.send(CommitOrder, account="sia", market="SEA-PERP", digest=name)
    ex.wait(1_000_000)
    number = ex.state.rounds.commitments - 1
    ex.send(RevealOrder, account="sia", market="SEA-PERP", commitment_id=number, salt=salt, order=order)
    ex.send(CommitOrder, account="sia", market="SEA-PERP", digest=digest[::-1])


async def check_commitments(pool: Any) -> None:
    """An account is told its own, and what of them is open."""
    found = (await QUERIES["commitments"](pool, {"account": "sia"}))["commitments"]
    assert [(one["market"], one["revealed"]) for one in found] == [
        ("SEA-PERP", revealed) for revealed in (True, False, False)
    ]
    assert found[0]["round_id"] == found[1]["round_id"] < found[2]["round_id"]
    assert (await QUERIES["commitments"](pool, {"account": "eve"}))["commitments"] == []


async def test_match_pg_001_rows_and_answers_on_a_real_database(schema: ServiceSchema) -> None:
    """MATCH-PG-001: the database holds row for row what the fold holds in memory, across two epochs."""
    ex = busy(11, 700)
    half = len(ex.commands) // 2
    await schema.run_epoch(in_batches(messages(ex.commands[:half]), 40))
    await schema.run_epoch(in_batches(messages(ex.commands[half:]), 7))
    await schema.assert_holds(ex.tables)
    assert [name for name, rows in ex.tables.items() if not rows] == ["fired_orders"], "MATCH-PG-011 has the rows of it"
    async with schema.pool() as pool:
        await check_journal(pool, ex)
        await check_ledger(pool, ex)
        await check_guards(pool)
        await check_answers(pool, ex)
        await check_families(pool)
        await check_vaults(pool, ex)
        await check_transfers(pool)
        await check_margin(pool, ex)
        await check_fees(pool, ex)
        await check_books(pool, ex)
        await check_commitments(pool)
        await check_auctions(pool, ex)
        await check_sealed(pool, ex)
        await check_orders(pool, ex)
        await check_waiting(pool)
        await check_refusals(pool)
        await check_totals(pool)
        await check_audit(pool, ex)


async def test_match_pg_011_what_is_left_to_the_next_step_is_a_row_until_it_is_taken(schema: ServiceSchema) -> None:
    """MATCH-PG-011: killed when a price has fired thirty and placed none, the service places each once; until then the
    answers say that they are triggered, and no longer that they wait."""
    ex = Exchange()
    for name in ("ann", "bob"):
        ex.deposit(name, "100000")
    ex.place("bob", "buy", "10", "999")
    for _ in range(30):
        ex.wait(1_000_000)
        ex.place("ann", "sell", "0.01", None, order_type="stop_market", trigger_price="998.5")
    ex.price("998")
    ex.commit()
    await schema.run_epoch(in_batches(messages(ex.commands[:-1]), 40))
    last = messages(ex.commands[-1:])
    await schema.run_epoch([last], most_commits=1)
    async with schema.pool() as pool:
        (row,) = await pool.fetch("SELECT * FROM fired_orders")
        left = json.loads(row["order_ids"])
        armed = await pool.fetch("SELECT order_id FROM orders WHERE state = 'armed' ORDER BY 1")
        assert await pool.fetchval("SELECT position FROM consumer_position") == len(ex.commands) - 1
        told = await QUERIES["orders"](pool, {"account": "ann", "state": "triggered"})
        assert sorted(order["order_id"] for order in told["orders"]) == left
        assert (await QUERIES["orders"](pool, {"account": "ann", "state": "armed"}))["orders"] == []
        held = (await QUERIES["account"](pool, {"account": "ann"}))["orders"]
        assert {order["state"] for order in held} == {"triggered"}
        assert (await QUERIES["conditional_orders"](pool, {"account": "ann"}))["orders"] == []
    assert (row["command_seq"], len(left)) == (len(ex.commands), 30)
    assert left == [record["order_id"] for record in armed]
    await schema.run_epoch([last])
    await schema.assert_holds(ex.tables)


async def check_journal(pool: Any, ex: Exchange) -> None:
    """MATCH-PG-002: every inbound message is kept as it came."""
    rows = await pool.fetch("SELECT stream_seq, subject, payload FROM journal ORDER BY stream_seq")
    assert [row["payload"] for row in rows] == [encode(command) for _, command in ex.commands]
    assert [row["stream_seq"] for row in rows] == list(range(1, len(ex.commands) + 1))


async def check_ledger(pool: Any, ex: Exchange) -> None:
    """MATCH-PG-003: balances are the sums of their legs, and the pots hold the net deposits."""
    wrong = await pool.fetch(
        "SELECT account FROM ledger_balances b WHERE balance_quanta <> "
        "(SELECT coalesce(sum(amount_quanta), 0) FROM ledger_entries e WHERE e.account = b.account)"
    )
    assert wrong == []
    answer = await QUERIES["conservation"](pool, {})
    assert answer["conserved"] and answer["difference"] == "0.000000"
    assert answer["lots"] == {MARKET: 0, "SOL-PERP": 0}
    assert set(answer["pots"]) == {
        "cash",
        "farm",
        "fees",
        "funding",
        "insurance",
        "locked",
        "pool",
        "position",
        "vault",
    }
    assert answer["assets"]["BTC"] == {"collateral": 50_000_000, "external": -50_000_000}


async def check_guards(pool: Any) -> None:
    """MATCH-PG-004: the database refuses unbalanced legs, changed legs and an overdrawn fund."""
    legs = "INSERT INTO ledger_entries SELECT 999999, n, 'x', 5, 'trade', 1, 1 FROM generate_series(1, 2) n"
    with pytest.raises(asyncpg.CheckViolationError, match="999999"):
        await pool.execute(legs)
    legs = (
        "INSERT INTO ledger_entries VALUES "
        "(999998, 0, 'x', 5, 'swap', 1, 1, 'BTC'), (999998, 1, 'y', -5, 'swap', 1, 1, 'USDC')"
    )
    with pytest.raises(asyncpg.CheckViolationError, match="999998 does not sum to zero in"):
        await pool.execute(legs)
    with pytest.raises(asyncpg.RestrictViolationError):
        await pool.execute("UPDATE ledger_entries SET amount_quanta = 1")
    with pytest.raises(asyncpg.RestrictViolationError):
        await pool.execute("DELETE FROM ledger_entries")
    with pytest.raises(asyncpg.CheckViolationError):
        await pool.execute("UPDATE ledger_balances SET balance_quanta = -1 WHERE account LIKE 'insurance:%'")


async def check_answers(pool: Any, ex: Exchange) -> None:
    """MATCH-PG-005: what an account, the book and the feeds look like from outside."""
    eve = await QUERIES["account"](pool, {"account": "eve"})
    assert eve["cash"] == f"{ex.cash('eve') / 10**6:.6f}"
    assert eve["orders"][-1]["client_order_id"] == "waits"
    assert (eve["orders"][-1]["price"], eve["orders"][-1]["remaining"]) == ("0.1", "0.250")
    for account in TRADERS:
        answer = await QUERIES["account"](pool, {"account": account})
        sizes = [position["size"] for position in answer["positions"]]
        assert sizes == ([f"{ex.lots(account) / 1000:.3f}"] if ex.lots(account) else [])
    depth = await QUERIES["book"](pool, {"market": MARKET, "depth": 3})
    half = ex.state.markets[MARKET].book.bids
    assert depth["bids"] == [[f"{price / 10:.1f}", f"{lots / 1000:.3f}"] for price, lots in half.levels()][:3]
    half = ex.state.markets[MARKET].book.asks
    assert depth["asks"] == [[f"{price / 10:.1f}", f"{lots / 1000:.3f}"] for price, lots in half.levels()][:3]
    trades = (await QUERIES["trades"](pool, {"market": MARKET, "limit": 2}))["trades"]
    assert [trade["trade_id"] for trade in trades] == [ex.state.counters.trades, ex.state.counters.trades - 1]
    older = await QUERIES["trades"](pool, {"market": MARKET, "before": trades[1]["trade_id"], "limit": 1})
    assert older["trades"][0]["trade_id"] == ex.state.counters.trades - 2
    steps = (await QUERIES["liquidations"](pool, {"account": "ann"}))["liquidations"]
    assert {step["account"] for step in steps} <= {"ann"}
    assert (await QUERIES["liquidations"](pool, {"market": MARKET, "limit": 1}))["liquidations"]
    entries = (await QUERIES["ledger"](pool, {"account": "eve", "limit": 500}))["entries"]
    assert entries[-1]["kind"] == "deposit" and entries[-1]["amount"] == "100000.000000"
    market, *_ = (await QUERIES["markets"](pool, {}))["markets"]
    assert (market["market"], market["index"], market["index_stale"]) == (MARKET, "1000.0", False)
    assert market["open_interest"] == f"{ex.state.markets[MARKET].open_interest / 1000:.3f}"


async def check_families(pool: Any) -> None:
    """ACC-SUB-010: a family with its rights, as it is seen from outside."""
    head, isolated = (await QUERIES["family"](pool, {"account": "gus"}))["accounts"]
    assert (head["account"], head["delegates"]) == ("gus", {"dora": ["cancel", "deposit", "trade"]})
    assert (isolated["account"], isolated["margin_mode"], isolated["market"]) == ("gus--btc", "isolated", MARKET)


async def check_books(pool: Any, ex: Exchange) -> None:
    """MATCH-PG-007: one committed state answers with its number, in decimals or steps; sweeps are exact."""
    market = ex.state.markets[MARKET]
    bids, asks = list(market.book.bids.levels()), list(market.book.asks.levels())
    whole = await QUERIES["book"](pool, {"market": MARKET, "depth": 5_000, "steps": True})
    assert whole["book_seq"] == market.book.seq == len(ex.book_changes)
    assert (whole["tick_size"], whole["lot_size"], whole["complete"]) == ("0.1", "0.001", True)
    assert (whole["bids"], whole["asks"]) == ([list(level) for level in bids], [list(level) for level in asks])
    view = BookView(MARKET)
    assert view.load(whole)
    part = await QUERIES["book"](pool, {"market": MARKET, "depth": 1})
    assert len(part["bids"]) == 1 and not part["complete"]
    price, lots = bids[0]
    answer = await QUERIES["impact"](pool, {"market": MARKET, "notional": f"{price * lots / 10_000:.6f}"})
    assert answer["sell"]["average_ticks"] == [str(price), "1"]
    assert answer["sell"]["worst_price"] == f"{price / 10:.1f}"
    assert answer["sell"]["average_price"] == f"{price / 10:.8f}"
    assert Decimal(answer["sell"]["size"]) == Decimal(lots) / 1_000
    assert (await QUERIES["impact"](pool, {"market": MARKET, "notional": "4000000000"}))["sell"] is None
    answer = await QUERIES["depth"](pool, {"market": MARKET, "distances": [0, 10_000]})
    assert Decimal(answer["middle"]) == Decimal(price + asks[0][0]) / 20
    assert [near["basis_points"] for near in answer["within"]] == [0, 10_000]
    assert answer["within"][1]["bid_size"] == f"{sum(lots for _, lots in bids) / 1_000:.3f}"


async def check_orders(pool: Any, ex: Exchange) -> None:
    """MATCH-HIS-001, MATCH-HIS-002, MATCH-HIS-003: every order ever accepted, by page and by state."""
    known = {order.order_id: order for account in ex.state.accounts.values() for order in account.orders.values()}
    ended = of(ex.effects.emitted, OrderClosed)
    for name in TRADERS:
        told, before = [], JSON_SAFE
        while page := (await QUERIES["orders"](pool, {"account": name, "before": before, "limit": 50}))["orders"]:
            told += page
            before = page[-1]["order_id"]
        accepted = [event.order_id for event in of(ex.effects.emitted, OrderAccepted) if event.account == name]
        assert [order["order_id"] for order in told] == accepted[::-1]
        closed = {event.order_id: event for event in ended if event.account == name}
        for order in told:
            number, filled = order["order_id"], order["filled"]
            if number in closed:
                event = closed[number]
                assert (order["state"], order["reason"], filled) == (
                    event.state,
                    event.reason,
                    f"{event.filled_lots / 1000:.3f}",
                )
            else:
                assert (order["state"], filled) == (known[number].state, f"{known[number].filled / 1000:.3f}")
            assert (order["average_price"] is None) == (filled == "0.000")
        for state in ("open", "closed", "filled", "expired", "canceled"):
            some = (await QUERIES["orders"](pool, {"account": name, "state": state, "limit": 500}))["orders"]
            wanted = {"open": {"open", "partially_filled"}, "closed": {"filled", "canceled", "expired"}}
            assert {order["state"] for order in some} <= wanted.get(state, {state})
    (one,) = (await QUERIES["orders"](pool, {"account": "eve", "client_order_id": "waits"}))["orders"]
    assert (one["state"], one["price"], one["remaining"], one["closed_at"]) == ("open", "0.1", "0.250", None)


async def check_waiting(pool: Any) -> None:
    """MATCH-CON-030: what an account has armed, with an end or without; no exits of an entry that has not traded."""
    orders = (await QUERIES["conditional_orders"](pool, {"account": "fay", "market": MARKET}))["orders"]
    assert [order["client_order_id"] for order in orders] == ["stop", "dip", "trail"]
    stop, dip, trail = orders
    assert (stop["trigger_source"], stop["trigger_price"], stop["price"], stop["size"]) == (
        "last",
        "2.5",
        "2.4",
        "1.000",
    )
    assert (stop["best_price"], stop["oco_group"], stop["expires_at"]) == (None, "pair", None)
    assert (dip["order_type"], dip["price"], dip["oco_group"]) == ("take_profit_market", None, "pair")
    assert (trail["trigger_price"], trail["trail_amount"], trail["trail_rate_ppb"]) == (None, None, 990_000_000)
    assert trail["best_price"] is not None and trail["expires_at"] is not None
    assert (await QUERIES["conditional_orders"](pool, {"account": "eve"}))["orders"] == []
    entry = (await QUERIES["orders"](pool, {"account": "fay", "state": "armed"}))["orders"]
    assert [(order["client_order_id"], order["price"]) for order in entry][1] == ("dip", None)


async def check_margin(pool: Any, ex: Exchange) -> None:
    """ACC-MRG-001: the answer from the tables is that of the state in memory at the same message, for everybody."""
    ex.state.ledger.at = ex.effects.at
    for name, account in ex.state.accounts.items():
        answer = await QUERIES["margin"](pool, {"account": name})
        assert answer.pop("as_of_seq") == len(ex.commands)
        assert answer == margin_view(ex.state, account), name
    gus = await QUERIES["margin"](pool, {"account": "gus"})
    held = {asset["asset"]: asset for asset in gus["assets"]}
    assert (held["USDC"]["balance"], held["USDC"]["locked"]) == ("730.000000", "70.000000")
    assert (held["BTC"]["balance"], held["BTC"]["counts_for_health"]) == ("0.50000000", "450.000000")
    assert gus["max_borrowable"] == "400.000000"


async def check_fees(pool: Any, ex: Exchange) -> None:
    """ACC-FEE-019: rates, volumes, terms and revenue, as they are seen from outside."""
    for name, account in ex.state.accounts.items():
        answer = await QUERIES["fees"](pool, {"account": name})
        assert (answer.pop("as_of_seq"), answer.pop("referees")) == (len(ex.commands), int(name == "eve"))
        assert answer == fees_view(ex.state, account), name
    schedules = await QUERIES["fee_schedules"](pool, {})
    assert schedules["every_market"] == [
        {"tier": 0, "taker_fee_ppb": 500_000, "maker_fee_ppb": 100_000, "volume": "0.000000"}
    ]
    assert (schedules["markets"], schedules["referee_discount_ppb"], schedules["referrer_share_ppb"]) == (
        {},
        50_000_000,
        200_000_000,
    )
    days = (await QUERIES["revenue"](pool, {"market": MARKET}))["revenue"]
    assert sum(Decimal(day["venue"]) for day in days) == Decimal(ex.balance("fees")).scaleb(-6)
    assert (await QUERIES["revenue"](pool, {"before": days[-1]["day"]}))["revenue"] == []


async def check_totals(pool: Any) -> None:
    """ACC-AUD-008: a commit that leaves balances of an asset that do not sum to zero is refused as a whole."""
    more = "UPDATE ledger_balances SET balance_quanta = balance_quanta + $1 WHERE account = $2"
    with pytest.raises(asyncpg.CheckViolationError, match="balances of USDC sum to 7"):
        await pool.execute(more, 7, "cash:eve")
    with pytest.raises(asyncpg.CheckViolationError, match="balances of BTC sum to 1"):
        await pool.execute("INSERT INTO ledger_balances VALUES ('collateral:BTC:eve', 1, 'BTC')")
    with pytest.raises(asyncpg.CheckViolationError, match="balances of USDC sum to"):
        await pool.execute("DELETE FROM ledger_balances WHERE account = 'cash:eve'")
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(more, 7, "cash:eve")
        await connection.execute(more, -7, "cash:eve")


async def check_audit(pool: Any, ex: Exchange) -> None:
    """ACC-AUD-009: from the first transaction or from the sums, the database's rows add up; a changed pair does not."""
    everything = Auditor({}, {}, Marks())
    async with pool.acquire() as connection:
        while not await _audited(connection, everything):
            pass
        late = await begin(connection)
        assert await _audited(connection, late)
        assert late.marks == everything.marks and late.marks.trades == ex.state.counters.trades
        damage = connection.transaction()
        await damage.start()
        await connection.execute(
            "UPDATE ledger_balances SET balance_quanta = balance_quanta + CASE account WHEN 'cash:eve' THEN 5 "
            "ELSE -5 END WHERE account IN ('cash:eve', 'cash:fay')"
        )
        await connection.execute("UPDATE positions SET lots = lots + 1 WHERE lots = (SELECT max(lots) FROM positions)")
        view = await read_view(connection, everything.wanted(), whole=True)
        checks = [(found.check, found.market) for found in everything.compare(view)]
        await damage.rollback()
    assert checks[:3] == [("balance", None), ("balance", None), ("lots", MARKET)]


async def _audited(connection: Any, auditor: Auditor) -> bool:
    """One look at the database; whether nothing is left to read."""
    news = await read_news(connection, auditor.marks)
    assert auditor.take(news) == []
    if news.complete:
        view = await read_view(connection, auditor.wanted(), whole=True)
        assert auditor.compare(view) == []
    return news.complete


async def check_transfers(pool: Any) -> None:
    """ACC-HIS-003: what moved and what is on its way, as it is seen from outside."""
    rows = (await QUERIES["transfers"](pool, {"account": "gus"}))["transfers"]
    assert [(row["kind"], row["asset"], row["amount"], row["moved"]) for row in rows] == [
        ("locked", "USDC", "-70.000000", "-70.000000"),
        ("deposit", "BTC", "0.25000000", "0.00000000"),
        ("deposit", "BTC", "0.50000000", "0.50000000"),
        ("transfer", "USDC", "-200.000000", "-200.000000"),
        ("deposit", "USDC", "1000.000000", "1000.000000"),
    ]
    older = await QUERIES["transfers"](
        pool, {"account": "gus", "asset": "BTC", "before": rows[1]["transfer_id"], "limit": 1}
    )
    assert older["transfers"] == [rows[2]]
    on_their_way = await QUERIES["open_transfers"](pool, {"account": "gus"})
    (deposit,), (withdrawal,) = on_their_way["deposits"], on_their_way["withdrawals"]
    assert (deposit["amount"], deposit["confirmations"], deposit["status"]) == ("0.25000000", 3, "pending")
    assert (withdrawal["amount"], withdrawal["status"]) == ("70.000000", "pending")


async def check_auctions(pool: Any, ex: Exchange) -> None:
    """MATCH-PG-008: what runs, its price at the coming slot, and the quotes that stand, without names."""
    running = (await QUERIES["auctions"](pool, {"market": MARKET}))["auctions"]
    assert [auction["auction_id"] for auction in running] == sorted(ex.state.auctions.running)
    last = running[-1]
    assert (last["side"], last["remaining"], last["start"], last["end"]) == ("buy", "0.400", "999.0", "1001.0")
    assert (last["next_slot"], last["slots"], last["next_slot_at"] - last["opened_at"]) == (1, 10, 400_000)
    assert [(quote["price"], quote["size"]) for quote in last["quotes"]] == [("1000.5", "0.100")]
    assert "ida" not in str(last) and "fay" not in str(last)
    assert (await QUERIES["auctions"](pool, {"market": "NO-PERP"}))["auctions"] == []


async def check_sealed(pool: Any, ex: Exchange) -> None:
    """MATCH-PG-009: what is sealed says nothing but its hash, and what is opened says what it orders."""
    rows = await pool.fetch("SELECT * FROM commitments ORDER BY commitment_id")
    assert [(row["account"], row["bond_quanta"], bool(row["revealed"])) for row in rows] == [
        ("sia", 1_000_000, True),
        ("sia", 1_000_000, False),
        ("sia", 1_000_000, False),
    ]
    assert [row["round_id"] for row in rows] == [1, 1, 2]
    revealed = OrderTerms.model_validate_json(rows[0]["revealed"])
    assert digest_of("sia", "SEA-PERP", rows[0]["salt"], revealed) == rows[0]["digest"]
    (market,) = [one for one in (await QUERIES["markets"](pool, {}))["markets"] if one["market"] == "SEA-PERP"]
    assert market["batching"] == {"commit_micros": 1_000_000, "reveal_micros": 1_000_000, "bond_quanta": 1_000_000}
    assert len(ex.state.rounds.open) == 2


async def check_refusals(pool: Any) -> None:
    """MATCH-PG-006: unknown names and unbounded requests are refused."""
    for query, params in (
        ("account", {"account": "nobody"}),
        ("family", {"account": "gus--btc"}),
        ("margin", {"account": "nobody"}),
        ("transfers", {"account": "gus", "limit": 501}),
        ("book", {"market": "ETH-PERP"}),
        ("book", {"market": MARKET, "depth": 0}),
        ("book", {"market": MARKET, "depth": 5_001}),
        ("depth", {"market": MARKET, "distances": [-1]}),
        ("depth", {"market": MARKET, "distances": list(range(17))}),
        ("impact", {"market": MARKET, "notional": "0"}),
        ("impact", {"market": "ETH-PERP", "notional": "1"}),
        ("trades", {"market": MARKET, "limit": 501}),
        ("ledger", {"account": "eve", "before": -1}),
        ("orders", {"account": "eve", "state": "lost"}),
        ("orders", {"account": "eve", "limit": 501}),
        ("fees", {"account": "nobody"}),
        ("revenue", {"before": "yesterday"}),
    ):
        with pytest.raises(QueryError):
            await QUERIES[query](pool, params)


async def test_match_pg_010_what_was_said_is_kept_compressed(schema: ServiceSchema) -> None:
    """MATCH-PG-010: the events of a batch take less than half of their text, and are read back as they were."""
    ex = busy(4, 30)
    await schema.run_epoch(in_batches(messages(ex.commands), 200))
    query = "SELECT payload, octet_length(payload) AS text, pg_column_size(payload) AS kept FROM outbox ORDER BY 2 DESC"
    async with schema.pool() as pool:
        largest = await pool.fetchrow(query)
    assert largest["text"] > 10_000
    assert largest["kept"] * 2 < largest["text"]
    events = json.loads(largest["payload"])
    assert [event["seq"] for event in events] == list(range(events[0]["seq"], events[0]["seq"] + len(events)))
