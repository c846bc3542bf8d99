"""Schedules, referrals, the volume of the last days, and the venue's revenue."""

from collections.abc import Mapping, Sequence
from typing import Final

from cleartide.contracts import FeeTier
from cleartide.fold import Changes, Row, Table

from services.matching.domain.fees.book import FeeBook, ReferralTerms, Revenue, Schedule

MOST_TIERS: Final = 16

FEE_TIERS: Final = Table(
    "fee_tiers",
    key=("market", "tier"),
    columns={
        "market": "text",
        "tier": "integer",
        "volume_quanta": "bigint",
        "taker_fee_ppb": "bigint",
        "maker_fee_ppb": "bigint",
    },
)
REFERRAL_TERMS: Final = Table(
    "referral_terms",
    key=("one",),
    columns={"one": "boolean", "referee_discount_ppb": "bigint", "referrer_share_ppb": "bigint"},
)
REFERRALS: Final = Table("referrals", key=("account",), columns={"account": "text", "referrer": "text"})
TRADED_VOLUMES: Final = Table(
    "traded_volumes",
    key=("account", "day"),
    columns={"account": "text", "day": "integer", "quote_quanta": "bigint"},
)
REVENUE: Final = Table(
    "fee_revenue",
    key=("day", "market"),
    columns={
        "day": "integer",
        "market": "text",
        "taker_fees_quanta": "bigint",
        "maker_fees_quanta": "bigint",
        "rebates_quanta": "bigint",
        "referrals_quanta": "bigint",
    },
)
FEE_TABLES: Final = (FEE_TIERS, REFERRAL_TERMS, REFERRALS, TRADED_VOLUMES, REVENUE)


def restore_fees(book: FeeBook, rows: Mapping[str, Sequence[Row]]) -> None:
    """Everything that decides fees, and the revenue so far."""
    tiers: dict[str, list[FeeTier]] = {}
    for market, _, volume, taker, maker in sorted(rows[FEE_TIERS.name], key=lambda row: row[:2]):
        tier = FeeTier(volume_quanta=volume, taker_fee_ppb=taker, maker_fee_ppb=maker)
        tiers.setdefault(market, []).append(tier)
    book.schedules = {market: Schedule(found) for market, found in tiers.items()}
    for _, *terms in rows[REFERRAL_TERMS.name]:
        book.terms = ReferralTerms(*terms)
    for account, referrer in rows[REFERRALS.name]:
        book.refer(book.standing(account), referrer)
    for account, day, quanta in sorted(rows[TRADED_VOLUMES.name], key=lambda row: row[:2]):
        book.standing(account).days.append((day, quanta))
    for day, market, *amounts in rows[REVENUE.name]:
        book.revenue[(day, market)] = Revenue(*amounts)


def collect_fees(changes: Changes, book: FeeBook) -> None:
    """Rows of what changed."""
    for market in sorted(book.changed_schedules):
        _put_tiers(changes, book, market)
    if book.changed_terms:
        changes.put(REFERRAL_TERMS, (True, *book.terms))
    changes.put_all(REFERRALS, ((name, book.standings[name].referrer) for name in sorted(book.changed_referrers)))
    for account, day in sorted(book.touched_days):
        for held, quanta in reversed(book.standings[account].days):
            if held == day:
                changes.put(TRADED_VOLUMES, (account, day, quanta))
                break
    for key in sorted(book.dropped_days):
        changes.delete(TRADED_VOLUMES, key)
    for day, market in sorted(book.touched_revenue):
        earned = book.revenue[(day, market)]
        amounts = (earned.taker_fees, earned.maker_fees, earned.rebates, earned.referrals)
        changes.put(REVENUE, (day, market, *amounts))
    book.settled_down()


def _put_tiers(changes: Changes, book: FeeBook, market: str) -> None:
    schedule = book.schedules.get(market)
    tiers = schedule.tiers if schedule is not None else ()
    for number, tier in enumerate(tiers):
        changes.put(FEE_TIERS, (market, number, tier.volume_quanta, tier.taker_fee_ppb, tier.maker_fee_ppb))
    for number in range(len(tiers), MOST_TIERS):
        changes.delete(FEE_TIERS, (market, number))
