"""Several processes that share the accounts say together what one says alone."""

from collections.abc import Iterable

import pytest
from cleartide.contracts import InsuranceFunded, Message, RiskLimitsSet, TransferApplied
from cleartide.contracts.pools import MOST_POOLS, POOLS, base_of, pool_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.risk.pools import pool
from services.risk.repository import WrongPool
from services.risk.settings import RiskSettings
from services.risk.tests.scenario import Scenario
from services.risk.tests.support import START, Venue

BY_ACCOUNT = ("accounts", "positions", "collateral", "leverages", "limits", "alert_flags", "alert_answers")
OWN_NUMBERS = {"id", "seq", "source"}


def pools_of(count: int) -> list[Venue]:
    """As many services as share the accounts."""
    configured = RiskSettings(risk_pools=count)
    return [Venue(pool(name, configured).fold) for name in POOLS["risk"][:count]]


class Together(Venue):
    """One service that is told everything, and beside it pools that are told the same: every event is compared."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.pools, self.said = pools_of(count), 0

    def hear(self, event: Message) -> list[Message]:
        alone = super().hear(event)
        together = [message for each in self.pools for message in each.hear(event)]
        assert by_account(together) == by_account(alone), f"{event!r}"
        self.said += len(together)
        return alone

    def restart(self) -> None:
        super().restart()
        for each in self.pools:
            each.restart()


def by_account(messages: Iterable[Message]) -> dict[str, list[dict[str, object]]]:
    """What was said, each account's in order, without the numbers that a process gives its own words."""
    said: dict[str, list[dict[str, object]]] = {}
    for message in messages:
        body = {"type": message.type, **message.model_dump(exclude=OWN_NUMBERS)}
        said.setdefault(str(body["account"]), []).append(body)
    return said


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(2, MOST_POOLS), assets=st.integers(0, 4))
def test_pools_say_together_what_one_service_says(seed: int, count: int, assets: int) -> None:
    """RISK-POOL-001: every alert and request of every event, with figures, inputs and numbers; restarts in between."""
    together = Together(count)
    scenario = Scenario(seed, markets=3, accounts=16, most_positions=3, assets=assets, venue=together)
    limits = {"max_leverage": 2, "max_position_quanta": 10_000}
    none = dict.fromkeys(("max_daily_loss_quanta", "max_drawdown_quanta", "max_value_at_risk_quanta"))
    for number in range(4):
        scenario.tell(together.event(RiskLimitsSet, account=f"a{number}", **limits, **none))
    for _ in range(2):
        for _ in range(20):
            scenario.step()
        together.restart()
    assert together.said
    for table in BY_ACCOUNT:
        shared = [row for each in together.pools for row in each.rows(table)]
        assert sorted(shared, key=repr) == sorted(together.rows(table), key=repr), table


def test_every_account_is_in_one_pool() -> None:
    """RISK-POOL-002: pools share the accounts evenly, whatever their number; the same on every machine."""
    names = [f"trader-{number}" for number in range(20_000)]
    for count in range(1, MOST_POOLS + 1):
        members = [pool_of(name, count) for name in names]
        assert set(members) == set(range(1, count + 1))
        assert max(members.count(number) for number in set(members)) < 1.1 * len(names) / count
    assert [pool_of(name, 8) for name in ("alice", "bob", "venue")] == [8, 1, 6]


def test_what_concerns_the_venue_is_one_pools_to_say() -> None:
    """RISK-POOL-003: a stale index is alerted once, the funds' history is kept once; all pools know all prices."""
    shared = pools_of(3)
    said: list[Message] = []
    for each in shared:
        each.list_market("M-PERP")
        each.mark("M-PERP", 100)
        for _ in range(70):
            said += each.mark("M-PERP", 100, stale=True)
        each.say(InsuranceFunded, market="M-PERP", amount_quanta=1, balance_quanta=1)
        each.commit()
    assert [message.account for message in said] == ["venue"]  # type: ignore[attr-defined]
    assert [len(each.rows("insurance_points")) for each in shared].count(1) == 1
    assert [len(each.rows("markets")) for each in shared] == [1, 1, 1]


def test_a_schema_keeps_the_pools_that_it_was_made_with() -> None:
    """RISK-POOL-004: with another number of pools accounts would be judged twice or by nobody: the process refuses."""
    alone, second = Venue(), pools_of(2)[1]
    for each in (alone, second):
        each.list_market("M-PERP")
        each.commit()
    for venue, wrong in ((alone, pools_of(2)[0]), (second, pools_of(2)[0]), (second, pools_of(3)[1]), (second, alone)):
        wrong.schema = venue.schema
        with pytest.raises(WrongPool, match="CLEARTIDE_RISK_POOLS"):
            wrong.restored()
    second.restart()


def test_other_pools_accounts_are_not_heard() -> None:
    """RISK-POOL-005: what is about another pool's account leaves no trace, not even a refusal."""
    first, second = pools_of(2)
    account = next(name for name in ("a", "b", "c", "d") if pool_of(name, 2) == 2)
    for each in (first, second):
        each.say(TransferApplied, account=account, amount_quanta=1, cash_quanta=1)
    assert (list(first.state.accounts), list(second.state.accounts)) == ([], [account])


def test_names() -> None:
    """RISK-POOL-006: the first pool is the service itself; a process must be one of those that there are."""
    assert [base_of(name) for name in ("risk", "risk_2", "risk_8", "risk_9", "matching")] == [
        "risk",
        "risk",
        "risk",
        "risk_9",
        "matching",
    ]
    with pytest.raises(SystemExit, match="risk_3 is pool 3 of 2"):
        pool("risk_3", RiskSettings(risk_pools=2))
    assert Venue().effects.at == START
