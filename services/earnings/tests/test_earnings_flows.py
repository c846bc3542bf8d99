"""What counts as a flow and what as a fee, where money moves without a trade."""

from cleartide.contracts import CollateralSwapped, TransferApplied

from services.earnings.tests.harness import Harness
from services.earnings.tests.model import DAY, Venue


def closed(venue: Venue) -> dict[str, int]:
    """alice's first day, closed."""
    venue.at += DAY
    venue.mark("BTC-PERP", 77)
    harness = Harness()
    harness.feed(venue.events)
    (row,) = [row for row in harness.closed_rows() if row["account"] == "alice"]
    return {name: row[f"{name}_quanta"] for name in ("equity_end", "flows", "pnl", "funding", "fees")}


def test_transfers_of_every_kind_are_flows() -> None:
    """EARN-FLOW-002: from the family, from a pool, from a fund."""
    venue = Venue()
    venue.transfer("alice", 100)
    for kind, amount in (("transfer", 20), ("pool", -5), ("insurance", 7)):
        cash = venue.holders["alice"].cash = venue.holders["alice"].cash + amount
        venue.say(TransferApplied, account="alice", amount_quanta=amount, cash_quanta=cash, kind=kind)
    assert closed(venue) == {"equity_end": 122, "flows": 122, "pnl": 0, "funding": 0, "fees": 0}


def test_a_referral_share_is_a_fee_received() -> None:
    """EARN-FLOW-003: not a flow: it was earned."""
    venue = Venue()
    venue.transfer("alice", 100)
    venue.say(TransferApplied, account="alice", amount_quanta=9, cash_quanta=109, kind="referral", counterparty="bob")
    assert closed(venue) == {"equity_end": 109, "flows": 100, "pnl": 0, "funding": 0, "fees": -9}


def test_selling_and_buying_other_collateral_are_flows_of_cash() -> None:
    """EARN-FLOW-004: an exchange of two other assets does not concern cash at all."""
    venue = Venue()
    venue.transfer("alice", 100)
    for sold, bought, units, balance in (("BTC", "USDC", 30, 130), ("USDC", "ETH", 50, 80), ("ETH", "BTC", 4, 9)):
        venue.say(
            CollateralSwapped,
            account="alice",
            sold_asset=sold,
            sold_units=50,
            sold_balance_units=balance,
            bought_asset=bought,
            bought_units=units,
            bought_balance_units=balance,
            kind="swap",
        )
    assert closed(venue) == {"equity_end": 80, "flows": 80, "pnl": 0, "funding": 0, "fees": 0}


def test_what_came_back_of_the_fees_is_told_beside_them() -> None:
    """EARN-FLOW-005: a maker's rebate of 3, a fee of 10 and a referral share of 9: fees are net of both rebates."""
    venue = Venue()
    venue.mark("BTC-PERP", 1_000)
    venue.trade("BTC-PERP", "alice", "bob", 1, 1_000, (-3, 10))
    venue.trade("BTC-PERP", "alice", "bob", 1, 1_000, (10, 0))
    cash = venue.holders["alice"].cash + 9
    venue.say(TransferApplied, account="alice", amount_quanta=9, cash_quanta=cash, kind="referral", counterparty="bob")
    venue.at += DAY
    venue.mark("BTC-PERP", 1_000)
    harness = Harness()
    harness.feed(venue.events)
    alice = next(row for row in harness.closed_rows() if row["account"] == "alice")
    assert (alice["fees_quanta"], alice["rebates_quanta"]) == (-2, 12)
    assert harness.published[0]["rebates_quanta"] == 12
    assert harness.rows("earnings_totals")[0]["rebates_quanta"] == 12
