"""What trading costs an account and why, the tiers in force, and what the venue has earned."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from cleartide.money import quanta_to_text
from cleartide.service import Query, QueryError

from services.matching.domain.accounts import Account
from services.matching.domain.fees.book import EVERY_MARKET, FeeBook, ReferralTerms, Standing
from services.matching.domain.ledger import referral_name
from services.matching.domain.market import Market
from services.matching.domain.state import MatchingState
from services.matching.views.account_state import read_account
from services.matching.views.pages import DEFAULT_ROWS, MOST_ROWS, limit_of

EPOCH: Final = date(1970, 1, 1).toordinal()
MOST_TIERS: Final = 16 * 1_000

_REFEREES_SQL: Final = "SELECT count(*) FROM referrals WHERE referrer = $1"
_TIERS_SQL: Final = "SELECT * FROM fee_tiers ORDER BY market, tier LIMIT $1"
_TERMS_SQL: Final = "SELECT referee_discount_ppb, referrer_share_ppb FROM referral_terms LIMIT 1"
_REVENUE_SQL: Final = """
SELECT * FROM fee_revenue WHERE ($1::text IS NULL OR market = $1) AND day < $2 ORDER BY day DESC, market LIMIT $3
"""
_AMOUNTS: Final = ("taker_fees", "maker_fees", "rebates", "referrals")


async def fees(pool: Any, params: dict[str, Any]) -> Any:
    """An account's rates by market, the volume that decides them, and its referrals. Parameters: account.

    Error `not_found`. `volume` is the family's, of the 30 whole days before this one; `claimable` what has accrued of
    the fees of those whom the account has brought.
    """
    name = str(params["account"])
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        found = await read_account(connection, name)
        referees = await connection.fetchval(_REFEREES_SQL, name)
    return {"as_of_seq": found.as_of_seq, "referees": referees, **fees_view(found.state, found.account)}


def fees_view(state: MatchingState, account: Account) -> dict[str, Any]:
    """By the rules of the fold, at the state's time."""
    book, standing = state.treasury.fees, account.standing
    accrued = state.ledger.accounts.get(referral_name(account.name))
    return {
        "account": account.name,
        "family": standing.root,
        "volume": quanta_to_text(standing.volume),
        "referrer": standing.referrer or None,
        "referee_discount_ppb": book.terms.discount_ppb if standing.referrer else 0,
        "claimable": quanta_to_text(accrued.balance if accrued is not None else 0),
        "markets": [_rates(book, standing, market) for _, market in sorted(state.markets.items())],
    }


def _rates(book: FeeBook, standing: Standing, market: Market) -> dict[str, Any]:
    taker, maker = standing.rates(market)
    schedule = book.schedule_of(market.id)
    number = schedule.number_of(standing.volume) if schedule is not None else None
    following = schedule.tiers[number + 1 :] if schedule is not None and number is not None else ()
    return {
        "market": market.id,
        "taker_fee_ppb": taker,
        "maker_fee_ppb": maker,
        "tier": number,
        "next_tier_volume": quanta_to_text(following[0].volume_quanta) if following else None,
    }


async def fee_schedules(pool: Any, _: dict[str, Any]) -> Any:
    """The tiers of every market that has its own, those of all others, and the terms of referrals."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(_TIERS_SQL, MOST_TIERS)
        terms = await connection.fetchrow(_TERMS_SQL)
    schedules: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        tier = {name: row[name] for name in ("tier", "taker_fee_ppb", "maker_fee_ppb")}
        schedules.setdefault(row["market"], []).append({**tier, "volume": quanta_to_text(row["volume_quanta"])})
    discount, share = tuple(terms) if terms is not None else ReferralTerms()
    return {
        "every_market": schedules.pop(EVERY_MARKET, []),
        "markets": schedules,
        "referee_discount_ppb": discount,
        "referrer_share_ppb": share,
    }


async def revenue(pool: Any, params: dict[str, Any]) -> Any:
    """What the venue took and passed on, by day and market, newest first. Parameters: market, before (a day), limit."""
    where, limit = params.get("market"), limit_of(params.get("limit", DEFAULT_ROWS), MOST_ROWS)
    try:
        before = date.fromisoformat(str(params.get("before", date.max.isoformat()))).toordinal() - EPOCH
    except ValueError as error:
        raise QueryError("bad_parameters", "before is a day, as 2026-01-31") from error
    rows = await pool.fetch(_REVENUE_SQL, where and str(where), before, limit)
    return {"revenue": [_day(row) for row in rows]}


def _day(row: Mapping[str, Any]) -> dict[str, Any]:
    taken = row["taker_fees_quanta"] + row["maker_fees_quanta"]
    passed_on = row["rebates_quanta"] + row["referrals_quanta"]
    return {
        "day": date.fromordinal(EPOCH + row["day"]).isoformat(),
        "market": row["market"],
        **{name: quanta_to_text(row[f"{name}_quanta"]) for name in _AMOUNTS},
        "venue": quanta_to_text(taken - passed_on),
    }


QUERIES: Final[Mapping[str, Query]] = {"fee_schedules": fee_schedules, "fees": fees, "revenue": revenue}
