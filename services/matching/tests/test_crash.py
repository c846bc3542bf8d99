"""A recorded crash with a population of leveraged accounts (see `crash.py`); `benchmarks/crash.py` replays it whole."""

from services.matching.tests.crash import MAKERS, Crash
from services.matching.tests.ruled import worth
from services.matching.tests.support import MARKET


def crashed(seed: int) -> Crash:
    """Two hundred accounts, and every eighth candle of the day."""
    crash = Crash(200, seed)
    crash.run(every=8)
    return crash


def test_match_crash_001_a_crash_is_borne_by_all_means_and_conserves_every_unit() -> None:
    """MATCH-CRASH-001: book, fund and other side each take their part; nobody healthy is touched; the sum is zero."""
    crash = crashed(1)
    figures, ex = crash.figures, crash.ex
    assert crash.healthy == 0
    assert min(figures[name] for name in ("closed_by_the_book", "taken_by_the_fund", "deleveraged")) > 0, figures
    assert figures["fund_at_least"] >= 0
    assert worth(ex) >= 0
    assert sum(account.balance for account in ex.state.ledger.accounts.values()) == 0
    assert all(ex.cash(maker) > 0 for maker in MAKERS)
    holders = [account for account in ex.state.accounts.values() if ex.lots(account.name)]
    assert sum(ex.lots(account.name) for account in holders) == 0
    assert ex.state.markets[MARKET].prices.index < 150_000


def test_match_crash_002_the_same_seed_gives_the_same_digest() -> None:
    """MATCH-CRASH-002: of all events, byte for byte; another seed gives another."""
    first, second, other = crashed(2), crashed(2), crashed(3)
    assert (first.digest, first.figures) == (second.digest, second.figures)
    assert first.digest != other.digest
