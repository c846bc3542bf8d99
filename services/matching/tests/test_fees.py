"""Fee tiers by volume, maker rebates, referral shares: who pays, who gets it, and what the venue keeps."""

from typing import Any, Final

import pytest
from cleartide.contracts import (
    AccountRequestRejected,
    ClaimReferralRewards,
    FeeScheduleSet,
    FeeTier,
    GrantDelegate,
    Message,
    OpenSubaccount,
    OrderRejected,
    PositionChanged,
    ReferralTermsSet,
    ReferrerSet,
    SetFeeSchedule,
    SetReferralTerms,
    SetReferrer,
    TransferApplied,
)
from cleartide.fold import Reject
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matching.domain.jit.pricing import SLOT_MICROS
from services.matching.domain.margin import standing
from services.matching.tests.bank import refused
from services.matching.tests.support import HOUR, MARKET, QUOTE, Events, Exchange, of, only
from services.matching.views.fees import fees_view

DAY: Final = 24 * HOUR
NAMES: Final = ("ann", "bob", "cid")
PERCENT: Final = 10_000_000
TIERS: Final = (
    FeeTier(volume_quanta=0, taker_fee_ppb=5 * PERCENT // 100, maker_fee_ppb=2 * PERCENT // 100),
    FeeTier(volume_quanta=1_000 * QUOTE, taker_fee_ppb=4 * PERCENT // 100, maker_fee_ppb=0),
    FeeTier(volume_quanta=5_000 * QUOTE, taker_fee_ppb=3 * PERCENT // 100, maker_fee_ppb=-2 * PERCENT // 100),
)


def schedule(ex: Exchange, *tiers: FeeTier, market: str | None = None) -> Events:
    return ex.send(SetFeeSchedule, source="operator", market=market, tiers=tiers)


def terms(ex: Exchange, discount: int, share: int) -> Events:
    return ex.send(SetReferralTerms, source="operator", referee_discount_ppb=discount, referrer_share_ppb=share)


def refer(ex: Exchange, account: str, referrer: str, **more: Any) -> Events:
    return ex.send(SetReferrer, account=account, referrer=referrer, **more)


def claim(ex: Exchange, account: str, **more: Any) -> Events:
    return ex.send(ClaimReferralRewards, account=account, **more)


def venue(*, tiers: tuple[FeeTier, ...] = TIERS) -> Exchange:
    """ann makes, bob takes, cid has brought bob; each has 100,000."""
    ex = Exchange()
    for account in NAMES:
        ex.deposit(account, "100000")
    if tiers:
        schedule(ex, *tiers)
    return ex


def match(ex: Exchange, size: str = "1", price: str = "1000", maker: str = "ann", taker: str = "bob") -> dict[str, int]:
    """The maker sells and the taker buys; returns what each paid."""
    ex.place(maker, "sell", size, price)
    return paid(ex.place(taker, "buy", size, price))


def paid(events: list[Message]) -> dict[str, int]:
    return {event.account: event.fee_quanta for event in of(events, PositionChanged)}


def next_day(ex: Exchange, days: int = 1) -> None:
    ex.wait(days * DAY)
    ex.price("1000")


def test_acc_fee_001_tiers_replace_the_market_s_own_fees_and_give_them_back() -> None:
    """ACC-FEE-001"""
    ex = venue(tiers=())
    assert match(ex) == {"ann": 150_000, "bob": 450_000}
    told = only(schedule(ex, *TIERS), FeeScheduleSet)
    assert (told.market, told.tiers) == (None, TIERS)
    assert match(ex) == {"ann": 200_000, "bob": 500_000}
    schedule(ex, FeeTier(volume_quanta=0, taker_fee_ppb=PERCENT, maker_fee_ppb=0), market=MARKET)
    assert match(ex) == {"ann": 0, "bob": 10_000_000}
    schedule(ex, market=MARKET)
    assert match(ex) == {"ann": 200_000, "bob": 500_000}
    schedule(ex)
    assert match(ex) == {"ann": 150_000, "bob": 450_000}


def test_acc_fee_002_volume_of_thirty_whole_days_decides_for_the_whole_day() -> None:
    """ACC-FEE-002: a tier is reached with the next day, and left when the volume is thirty days old."""
    ex = venue()
    assert match(ex) == match(ex) == {"ann": 200_000, "bob": 500_000}
    next_day(ex)
    assert match(ex) == {"ann": 0, "bob": 400_000}
    next_day(ex, 29)
    assert match(ex) == {"ann": 0, "bob": 400_000}
    next_day(ex)
    assert match(ex, "0.001") == {"ann": 0, "bob": 400}
    next_day(ex, 31)
    assert match(ex, "0.001") == {"ann": 200, "bob": 500}


def test_acc_fee_003_a_family_has_one_volume() -> None:
    """ACC-FEE-003: what sub-accounts trade counts for their head, and the other way round."""
    ex = venue()
    ex.send(OpenSubaccount, account="bob", name="grid")
    ex.deposit("bob--grid", "5000")
    match(ex)
    next_day(ex)
    assert match(ex, taker="bob--grid")["bob--grid"] == 400_000


def test_acc_fee_004_a_rebate_comes_out_of_the_taker_s_fee() -> None:
    """ACC-FEE-004: taker pays 0.05 %, maker gets 0.02 %, the venue keeps 0.03 %; to the quantum, rounded its way."""
    ex = venue()
    match(ex, "6")
    next_day(ex)
    before = ex.balance("fees")
    ex.deposit("dan", "1000")
    assert match(ex, "0.001", "1000.1", taker="dan") == {"ann": -200, "dan": 501}
    assert ex.balance("fees") - before == 301


def test_acc_fee_005_a_rebate_never_exceeds_what_the_taker_pays() -> None:
    """ACC-FEE-005: nor in a liquidation, whose fee is the fund's: a referrer has no share of it."""
    ex = venue()
    match(ex, "6")
    next_day(ex)
    ex.deposit("dan", "110")
    refer(ex, "dan", "cid")
    ex.insure("500")
    ex.place("cid", "buy", "1", "1000")
    ex.place("dan", "sell", "1", "1000")
    ex.price("1104")
    account = ex.state.accounts["dan"]
    assert standing(account).maintenance_margin_quanta > standing(account).equity_quanta
    ex.place("ann", "sell", "1", "1109.5")
    before, share = ex.balance(f"insurance:{MARKET}"), ex.balance("referral:cid")
    told = paid(ex.liquidate("dan"))
    assert ex.balance("referral:cid") == share
    assert told["ann"] <= 0 <= told["dan"] and -told["ann"] <= told["dan"]
    assert ex.balance(f"insurance:{MARKET}") - before == told["dan"] + told["ann"]


def test_acc_fee_006_a_schedule_that_does_not_make_sense_is_refused() -> None:
    """ACC-FEE-006: with the reason, and nothing changes."""
    ex = venue()
    low, middle, high = TIERS
    for tiers, market, reason in (
        ((middle, high), None, "bad_schedule"),
        ((low, low), None, "bad_schedule"),
        ((low, middle.model_copy(update={"taker_fee_ppb": 6 * PERCENT // 100})), None, "bad_schedule"),
        ((low.model_copy(update={"maker_fee_ppb": -1}),), None, "bad_schedule"),
        ((low.model_copy(update={"taker_fee_ppb": 100 * PERCENT}),), None, "bad_schedule"),
        ((low, high.model_copy(update={"maker_fee_ppb": -28 * PERCENT // 1000})), None, "bad_schedule"),
        ((), MARKET, "no_schedule"),
        ((low,), "ETH-PERP", "unknown_market"),
    ):
        kept = ex.kept()
        with pytest.raises(Reject) as verdict:
            schedule(ex, *tiers, market=market)
        assert verdict.value.reason == reason
        assert ex.kept() == kept
    for discount, share in ((100 * PERCENT, 0), (0, 101 * PERCENT), (50 * PERCENT, 0)):
        with pytest.raises(Reject) as verdict:
            terms(ex, discount, share)
        assert verdict.value.reason == ("bad_schedule" if discount == 50 * PERCENT else "bad_terms")


def test_acc_fee_007_a_referred_taker_pays_less_and_the_referrer_gets_a_share() -> None:
    """ACC-FEE-007: 10 % off, 25 % of the rest accrues to the referrer, the venue keeps what is left."""
    ex = venue(tiers=())
    told = only(refer(ex, "bob", "cid"), ReferrerSet)
    assert (told.account, told.referrer) == ("bob", "cid")
    ex.place("ann", "sell", "1", "1000")
    events = ex.place("bob", "buy", "1", "1000")
    assert paid(events) == {"ann": 150_000, "bob": 405_000}
    assert [event.referral_quanta for event in of(events, PositionChanged) if event.account == "bob"] == [101_250]
    assert (ex.balance("referral:cid"), ex.balance("fees")) == (101_250, 453_750)
    assert match(ex, taker="ann", maker="bob") == {"ann": 450_000, "bob": 150_000}
    ex.price("1000")
    terms_told = only(terms(ex, 50 * PERCENT, 100 * PERCENT), ReferralTermsSet)
    assert (terms_told.referee_discount_ppb, terms_told.referrer_share_ppb) == (50 * PERCENT, 100 * PERCENT)
    assert match(ex)["bob"] == 225_000
    assert ex.balance("referral:cid") == 101_250 + 225_000


def test_acc_fee_008_rewards_are_claimed_once_and_by_their_owner() -> None:
    """ACC-FEE-008"""
    ex = venue(tiers=())
    refer(ex, "bob", "cid")
    assert refused(claim(ex, "cid")) == "nothing_to_claim"
    match(ex)
    ex.send(GrantDelegate, account="cid", delegate="dora")
    assert refused(claim(ex, "cid", actor="dora")) == "not_permitted"
    cash = ex.cash("cid")
    told = only(claim(ex, "cid"), TransferApplied)
    assert (told.kind, told.amount_quanta, told.cash_quanta) == ("referral", 101_250, cash + 101_250)
    assert (ex.cash("cid"), ex.balance("referral:cid")) == (cash + 101_250, 0)
    assert refused(claim(ex, "cid")) == "nothing_to_claim"


def test_acc_fee_009_a_referrer_is_set_once_by_the_family_s_head() -> None:
    """ACC-FEE-009"""
    ex = venue(tiers=())
    ex.send(OpenSubaccount, account="bob", name="grid")
    ex.deposit("bob--grid", "5000")
    ex.send(GrantDelegate, account="bob", delegate="dora")
    for account, referrer, actor, reason in (
        ("bob", "nobody", None, "unknown_account"),
        ("bob", "bob", None, "own_account"),
        ("bob--grid", "cid", None, "not_head_of_family"),
        ("bob", "bob--grid", None, "not_head_of_family"),
        ("bob", "cid", "dora", "not_permitted"),
    ):
        answer = only(refer(ex, account, referrer, actor=actor), AccountRequestRejected)
        assert (answer.reason, answer.request) == (reason, "SetReferrer")
    refer(ex, "bob", "cid")
    assert only(refer(ex, "bob", "ann"), AccountRequestRejected).reason == "already_referred"
    assert only(refer(ex, "cid", "bob"), AccountRequestRejected).reason == "circular"
    assert match(ex, taker="bob--grid")["bob--grid"] == 405_000


def test_acc_fee_014_margin_at_entry_counts_the_fee_that_will_be_paid() -> None:
    """ACC-FEE-014: the discount of a referred taker decides whether an order can be paid."""
    ex = venue(tiers=())
    for account in ("dan", "eve"):
        ex.deposit(account, "100.405")
    refer(ex, "eve", "cid")
    ex.place("ann", "sell", "5", "1000")
    assert only(ex.place("dan", "buy", "1", "1000"), OrderRejected).reason == "insufficient_margin"
    assert paid(ex.place("eve", "buy", "1", "1000"))["eve"] == 405_000


def test_acc_fee_015_fees_and_referrals_survive_a_restart() -> None:
    """ACC-FEE-015: schedules, volumes, referrers, unclaimed rewards and the revenue so far."""
    ex = venue()
    refer(ex, "bob", "cid")
    match(ex)
    ex.restart()
    next_day(ex)
    ex.restart()
    assert match(ex) == {"ann": 0, "bob": 360_000}
    assert ex.balance("referral:cid") == 112_500 + 90_000
    assert len(ex.rows("traded_volumes")) == 2
    schedule(ex)
    next_day(ex, 32)
    ex.restart()
    assert match(ex, "0.001") == {"ann": 150, "bob": 405}
    ex.commit()
    assert [row["quote_quanta"] for row in ex.rows("traded_volumes")] == [QUOTE, QUOTE]
    assert ex.rows("fee_tiers") == []


def test_acc_fee_016_revenue_by_day_and_market_is_what_the_venue_has() -> None:
    """ACC-FEE-016: taken less passed on is the balance of the venue's fees; outside trades bring nothing."""
    ex = venue()
    refer(ex, "bob", "cid")
    match(ex, "6")
    next_day(ex)
    match(ex)
    ex.report("1000", "1", buyer="ann", seller="bob")
    ex.commit()
    first, second = ex.rows("fee_revenue")
    assert (first["taker_fees_quanta"], first["maker_fees_quanta"], first["rebates_quanta"]) == (
        2_700_000,
        1_200_000,
        0,
    )
    assert (second["taker_fees_quanta"], second["rebates_quanta"]) == (270_000, 200_000)
    assert (first["referrals_quanta"], second["referrals_quanta"]) == (675_000, 67_500)
    kept = [
        row["taker_fees_quanta"] + row["maker_fees_quanta"] - row["rebates_quanta"] - row["referrals_quanta"]
        for row in (first, second)
    ]
    assert sum(kept) == ex.balance("fees")


def test_acc_fee_017_an_account_can_ask_what_it_pays_and_why() -> None:
    """ACC-FEE-017"""
    ex = venue()
    refer(ex, "bob", "cid")
    match(ex)
    next_day(ex)
    ex.state.ledger.at = ex.effects.at
    seen = fees_view(ex.state, ex.state.accounts["bob"])
    assert (seen["volume"], seen["referrer"], seen["referee_discount_ppb"]) == ("1000.000000", "cid", 10 * PERCENT)
    (market,) = seen["markets"]
    assert (market["taker_fee_ppb"], market["maker_fee_ppb"], market["tier"]) == (400_000, 0, 1)
    assert market["next_tier_volume"] == "5000.000000"
    assert fees_view(ex.state, ex.state.accounts["cid"])["claimable"] == "0.112500"


def test_acc_fee_020_a_quote_in_an_auction_makes_volume_and_earns_a_rebate_like_an_order() -> None:
    """ACC-FEE-020"""
    ex = venue()
    for rebated in (False, True):
        ex.auction("bob", "buy", "6", "1100", start="1000", end="1001")
        ex.offer("ann", ex.state.counters.orders, "1000", "6")
        ex.wait(2 * SLOT_MICROS)
        fees = paid(ex.deposit("cid", "1"))
        assert (fees["ann"] < 0) is rebated
        next_day(ex)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("ann", "bob", "cid")), st.integers(1, 4_000), st.integers(990, 1_010), st.booleans()
        ),
        min_size=4,
        max_size=25,
    )
)
def test_acc_fee_018_fees_never_make_or_lose_a_quantum(steps: list[tuple[str, int, int, bool]]) -> None:
    """ACC-FEE-018: whoever trades with whom in whatever tier; the taker's fee is rebate, share and the venue's part."""
    ex = venue()
    refer(ex, "bob", "cid")
    refer(ex, "ann", "cid")
    for number, (who, lots, price, buys) in enumerate(steps):
        events = ex.place(who, "buy" if buys else "sell", f"{lots / 1000:.3f}", str(price))
        fees = of(events, PositionChanged)
        for one, other in zip(fees[::2], fees[1::2], strict=True):
            taking, making = (one, other) if one.account == who else (other, one)
            assert taking.fee_quanta >= 0 and making.referral_quanta == 0
            assert taking.referral_quanta + max(0, -making.fee_quanta) <= taking.fee_quanta
        if number % 5 == 4:
            next_day(ex)
    ex.commit()
    rows = ex.rows("fee_revenue")
    taken = sum(row["taker_fees_quanta"] + row["maker_fees_quanta"] for row in rows)
    passed_on = sum(row["rebates_quanta"] + row["referrals_quanta"] for row in rows)
    assert taken - passed_on == ex.balance("fees")
    assert sum(row["referrals_quanta"] for row in rows) == ex.balance("referral:cid")
