"""The schedules in force, every family's volume and referrer, and the venue's revenue by day and market."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from cleartide.contracts import FeeTier
from cleartide.rules.fees import TRAILING_DAYS, day_number, maker_fee, referral_share, taker_fee, trailing_volume

from services.matching.domain.ledger import Ledger, LedgerAccount, referral_name
from services.matching.domain.market import Market

EVERY_MARKET: Final = ""
"""The name of the schedule for markets without tiers of their own."""


class Schedule:
    """Tiers by volume, the lowest first."""

    __slots__ = ("_volumes", "tiers")

    def __init__(self, tiers: Sequence[FeeTier]) -> None:
        self.tiers = tuple(tiers)
        self._volumes = [tier.volume_quanta for tier in tiers]

    def number_of(self, volume: int) -> int:
        """Which tier a volume is in, from 0."""
        return bisect_right(self._volumes, volume) - 1


class ReferralTerms(NamedTuple):
    """Discount of the referred taker, and the referrer's share of the fee that is left."""

    discount_ppb: int = 100_000_000
    share_ppb: int = 250_000_000


@dataclass(slots=True)
class Revenue:
    """One day of one market in quanta: fees taken into the venue's pot, and what was passed on out of it."""

    taker_fees: int = 0
    maker_fees: int = 0
    rebates: int = 0
    referrals: int = 0

    @property
    def venue(self) -> int:
        """What stays with the venue."""
        return self.taker_fees + self.maker_fees - self.rebates - self.referrals


class Standing:
    """A family as fees see it. days: (day number, quanta traded), of the last days only; reward: where its referrer's
    shares go, None without a referrer.

    The volume that counts on a day is that of the whole days before it, so a tier holds for the day.
    """

    __slots__ = ("_book", "_day", "_volume", "days", "referrer", "reward", "root")

    def __init__(self, root: str, book: "FeeBook") -> None:
        self.root, self._book = root, book
        self.days: list[tuple[int, int]] = []
        self.referrer = ""
        self.reward: LedgerAccount | None = None
        self._day, self._volume = -1, 0

    @property
    def volume(self) -> int:
        """What counts today, in quanta."""
        today = self._book.today
        if self._day != today:
            self._day, self._volume = today, trailing_volume(self.days, today)
        return self._volume

    def trade(self, quote: int) -> None:
        """Count a fill; days that will never count again are dropped."""
        today = self._book.today
        if self.days and self.days[-1][0] == today:
            self.days[-1] = (today, self.days[-1][1] + quote)
        else:
            self._book.drop_days(self, [day for day, _ in self.days if day < today - TRAILING_DAYS])
            self.days = [*((day, quanta) for day, quanta in self.days if day >= today - TRAILING_DAYS), (today, quote)]
        self._book.touched_days.add((self.root, today))

    def rates(self, market: Market) -> tuple[int, int]:
        """(taker, maker) in ppb."""
        schedule = self._book.schedule_of(market.id)
        if schedule is None:
            return market.taker_fee_ppb, market.maker_fee_ppb
        tier = schedule.tiers[schedule.number_of(self.volume)]
        return tier.taker_fee_ppb, tier.maker_fee_ppb

    def taker_fee(self, market: Market, quote: int) -> int:
        """Of a fill of this value, in quanta, with the referred taker's discount."""
        discount = self._book.terms.discount_ppb if self.reward is not None else 0
        return taker_fee(quote, self.rates(market)[0], discount)

    def maker_fee(self, market: Market, quote: int, taken: int) -> int:
        """Of a fill of this value whose taker pays `taken`; below zero a rebate."""
        return maker_fee(quote, self.rates(market)[1], taken)

    def share_of(self, fee: int, rebate: int) -> int:
        """What of its taker fee is the referrer's."""
        return referral_share(fee, self._book.terms.share_ppb, rebate) if self.reward is not None else 0


class FeeBook:
    """Everything about fees. Schedules by market id; what changed is kept for the rows."""

    __slots__ = (
        "_ledger",
        "changed_referrers",
        "changed_schedules",
        "changed_terms",
        "dropped_days",
        "revenue",
        "schedules",
        "standings",
        "terms",
        "touched_days",
        "touched_revenue",
    )

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.schedules: dict[str, Schedule] = {}
        self.terms = ReferralTerms()
        self.standings: dict[str, Standing] = {}
        self.revenue: dict[tuple[int, str], Revenue] = {}
        self.changed_schedules: set[str] = set()
        self.changed_terms = False
        self.changed_referrers: set[str] = set()
        self.touched_days: set[tuple[str, int]] = set()
        self.dropped_days: set[tuple[str, int]] = set()
        self.touched_revenue: set[tuple[int, str]] = set()

    @property
    def today(self) -> int:
        """The present command's day."""
        return day_number(self._ledger.at)

    def standing(self, root: str) -> Standing:
        """The family of this head."""
        found = self.standings.get(root)
        if found is None:
            found = self.standings[root] = Standing(root, self)
        return found

    def schedule_of(self, market: str) -> Schedule | None:
        """The market's own tiers, or those of every market, or none."""
        return self.schedules.get(market) or self.schedules.get(EVERY_MARKET)

    def refer(self, standing: Standing, referrer: str) -> None:
        """Let this family's taker fees be shared with a referrer from here on."""
        standing.referrer = referrer
        standing.reward = self._ledger.account(referral_name(referrer))

    def drop_days(self, standing: Standing, days: list[int]) -> None:
        """Their rows are not needed any more."""
        self.dropped_days.update((standing.root, day) for day in days)

    def settled_down(self) -> None:
        """Everything that changed has been written down."""
        self.changed_terms = False
        for marks in (self.changed_schedules, self.changed_referrers):
            marks.clear()
        for keys in (self.touched_days, self.dropped_days):
            keys.clear()
        self.touched_revenue.clear()

    def earn(self, market: str, *, taker: int, maker: int, referral: int) -> None:
        """Count what one match brought to the venue's pot; a maker fee below zero is a rebate out of it."""
        key = (self.today, market)
        day = self.revenue.get(key)
        if day is None:
            day = self.revenue[key] = Revenue()
        day.taker_fees += taker
        day.maker_fees += max(0, maker)
        day.rebates += max(0, -maker)
        day.referrals += referral
        self.touched_revenue.add(key)
