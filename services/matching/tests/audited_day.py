"""A day in which everything happens that moves money, and the auditor looks after every command."""

from collections.abc import Callable, Iterator
from typing import Final

from cleartide.contracts import (
    BatchTerms,
    BustTrade,
    CancelWithdrawal,
    ClaimReferralRewards,
    CommitOrder,
    CompleteWithdrawal,
    CorrectTrade,
    DelistMarket,
    FailWithdrawal,
    FeeTier,
    OrderTerms,
    RevealOrder,
    SetFeeSchedule,
    SetReferrer,
    StartWithdrawal,
)
from cleartide.fold import Reject
from cleartide.rules.sealing import digest_of

from services.matching.tests.accountant import Accountant
from services.matching.tests.bank import Bank
from services.matching.tests.support import HOUR, SECOND

TIERS: Final = (
    FeeTier(volume_quanta=0, taker_fee_ppb=450_001, maker_fee_ppb=150_001),
    FeeTier(volume_quanta=1_000_000_000, taker_fee_ppb=400_001, maker_fee_ppb=-200_001),
)
Step = Callable[[Bank], object]


class Unverified(Bank):
    """Without the invariants that the other tests hold it to: here the auditor is alone."""

    checked = False


def audited_day() -> Accountant:
    """The auditor after the day. What the fold refuses is passed over; what stops it ends the day."""
    ex = Unverified(taker_fee_ppb=450_000, maker_fee_ppb=150_000, mark_band_ppb=200_000_000)
    accountant = Accountant(ex)
    for step in steps():
        try:
            step(ex)
        except Reject:
            continue
        accountant.look()
    return accountant


def steps() -> Iterator[Step]:
    """Every step of the day, in order."""
    yield from _opening()
    yield from _trading()
    yield from _treasury()
    yield from _custody()
    yield from _outside()
    yield from _sealed()
    yield from _liquidations()
    yield from _end_of_a_market()


def _opening() -> Iterator[Step]:
    for account in ("ann", "bob", "cid"):
        yield lambda ex, account=account: ex.deposit(account, "20000")  # type: ignore[misc]
    yield lambda ex: ex.deposit("dan", "115")
    yield lambda ex: ex.deposit("eve", "101")
    yield lambda ex: ex.insure("500")
    yield lambda ex: ex.send(SetFeeSchedule, source="operator", tiers=TIERS)
    yield lambda ex: ex.send(SetReferrer, account="bob", referrer="cid")


def _trades(*trades: tuple[str, str, str, str], market: str = "BTC-PERP") -> Iterator[Step]:
    """(seller, buyer, size, price): the seller's order waits, the buyer's takes it."""
    for seller, buyer, size, price in trades:
        yield lambda ex, who=seller, size=size, price=price: ex.place(who, "sell", size, price, market=market)  # type: ignore[misc]
        yield lambda ex, who=buyer, size=size, price=price: ex.place(who, "buy", size, price, market=market)  # type: ignore[misc]


def _trading() -> Iterator[Step]:
    """Open, increase, reduce by parts that do not divide, flip; then a day later with rebates, and with funding."""
    yield from _trades(("ann", "bob", "0.003", "1000.1"), ("ann", "bob", "0.004", "1000.3"))
    yield from _trades(("bob", "ann", "0.002", "1000.2"), ("bob", "ann", "1.5", "1001"))
    yield lambda ex: ex.settle(123_457, 1)
    yield from _trades(("ann", "bob", "2.001", "999.9"), ("bob", "cid", "0.7", "1000.7"))
    yield lambda ex: ex.wait(24 * HOUR)
    yield lambda ex: ex.price("1000")
    yield from _trades(("ann", "bob", "0.777", "1000.1"), ("bob", "ann", "0.333", "999.9"))
    yield lambda ex: ex.settle(-54_321, 30)
    yield from _trades(("cid", "bob", "0.111", "1000"))
    yield lambda ex: ex.send(ClaimReferralRewards, account="cid")


def _treasury() -> Iterator[Step]:
    yield lambda ex: ex.open("ann", "grid")
    yield lambda ex: ex.move("ann", "ann--grid", "USDC", "50")
    yield lambda ex: ex.bring("ann", "BTC", "0.5")
    yield lambda ex: ex.move("ann", "ann--grid", "BTC", "0.1")
    yield lambda ex: ex.swap("ann", "BTC", "0.05", "USDC")
    yield lambda ex: ex.give("ann", "swap", "BTC", "0.05")
    yield lambda ex: ex.pay("swap", "bob", "USDC", "7")
    yield lambda ex: ex.drain("swap", "USDC", "11")
    yield lambda ex: ex.draw("ann", "BTC", "0.1")
    yield lambda ex: ex.withdraw("ann", "10")
    yield lambda ex: ex.drain("swap", "USDC", "9999999")
    yield lambda ex: ex.draw("ann", "BTC", "900")


def _custody() -> Iterator[Step]:
    yield lambda ex: ex.seen("bob", "0.25")
    yield lambda ex: ex.confirmed(12)
    for amount in ("11", "12", "13", "14"):
        yield lambda ex, amount=amount: ex.ask("bob", amount)  # type: ignore[misc]
    yield lambda ex: ex.send(CancelWithdrawal, account="bob", withdrawal_id=_withdrawal(ex, 11))
    yield lambda ex: ex.custody(FailWithdrawal, withdrawal_id=_withdrawal(ex, 12), reason="network_down")
    yield lambda ex: ex.custody(StartWithdrawal, withdrawal_id=_withdrawal(ex, 13))
    yield lambda ex: ex.custody(CompleteWithdrawal, withdrawal_id=_withdrawal(ex, 13), tx_id="0x1")


def _withdrawal(ex: Bank, amount: int) -> int:
    custody = ex.state.treasury.custody
    return next(number for number, found in custody.withdrawals.items() if found.amount == amount * 1_000_000)


def _outside() -> Iterator[Step]:
    market = {"market": "BTC-PERP", "source": "engine"}
    for number in ("x1", "x2"):
        yield lambda ex, number=number: ex.report("1001", "0.3", buyer="ann", seller="bob", trade_id=number)  # type: ignore[misc]
    yield lambda ex: ex.send(BustTrade, trade_id="x1", **market)
    yield lambda ex: ex.send(CorrectTrade, trade_id="x2", price="1002", size="0.2", buyer="ann", seller="cid", **market)


def _sealed() -> Iterator[Step]:
    """One commitment is opened and gets its bond back, the other is not and loses it to the fund."""
    sea, salt = {"account": "ann", "market": "SEA-PERP"}, "5a" * 32
    order = OrderTerms(client_order_id="sealed", side="buy", order_type="limit", size="1", price="10")
    yield lambda ex: ex.list(market="SEA-PERP", batching=BatchTerms())
    for digest in (digest_of("ann", "SEA-PERP", salt, order), salt):
        yield lambda ex, digest=digest: ex.send(CommitOrder, digest=digest, **sea)  # type: ignore[misc]
    yield lambda ex: ex.wait(SECOND)
    yield lambda ex: ex.send(RevealOrder, commitment_id=1, salt=salt, order=order, **sea)
    yield lambda ex: ex.wait(SECOND)
    yield lambda ex: ex.deposit("ann", "1")


def _liquidations() -> Iterator[Step]:
    """dan is closed against the book with a rebate to the maker; eve goes to the fund, which bears the loss."""
    yield from _trades(("dan", "ann", "1", "1000"), ("eve", "ann", "1", "1000"))
    yield lambda ex: ex.place("bob", "sell", "0.5", "1064")
    yield lambda ex: ex.price("1070")
    yield lambda ex: ex.liquidate("dan")
    yield lambda ex: ex.price("1300")
    yield lambda ex: ex.liquidate("dan")
    yield lambda ex: ex.liquidate("eve")
    yield lambda ex: ex.price("1000")


def _end_of_a_market() -> Iterator[Step]:
    eth = "ETH-PERP"
    yield lambda ex: ex.price("100", eth)
    yield from _trades(("ann", "bob", "1.5", "100.1"), ("bob", "cid", "0.7", "100.2"), market=eth)
    yield lambda ex: ex.settle(77_777, 40, eth)
    yield lambda ex: ex.send(DelistMarket, source="operator", market=eth, notice_micros=0)
    yield lambda ex: ex.price("101", eth)
