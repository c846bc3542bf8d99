"""What makes a kept answer unfindable: the next event about its account or market, and nothing else."""

from typing import Any

from services.gateway.edge.freshness import KEPT_MS, RULES, SETTLED_SECONDS, Freshness, Place


class Clock:
    """Goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def heard(seq: int, kind: str = "OrderAccepted", **more: Any) -> Place:
    """An event at a place."""
    return Place(kind, seq, **more)


def fresh() -> tuple[Freshness, Clock]:
    """A process that has heard every event for long enough."""
    clock = Clock()
    found = Freshness(clock)
    clock.now += KEPT_MS / 1_000
    return found, clock


def test_an_event_ends_what_it_concerns_and_nothing_else() -> None:
    """GW-CACHE-006: an event of an account or market renames their answers; others keep their names and live on."""
    found, clock = fresh()
    keys: list[tuple[object, ...]] = [("orders", "ann", 50), ("orders", "ben", 50), ("book", "BTC-PERP", 20)]
    before = [found.version(key, 500) for key in keys]
    assert [one and one.kept_ms for one in before] == [KEPT_MS] * 3
    found.hear([heard(7, account="ann", market="ETH-PERP")])
    after = [found.version(key, 500) for key in keys]
    assert [now == then for now, then in zip(after, before, strict=True)] == [False, True, True]
    assert after[0] == ("7", 500), "read models may not know it yet: kept no longer than before"
    clock.now += SETTLED_SECONDS
    assert found.version(keys[0], 500) == ("7", KEPT_MS)
    found.hear([heard(8, "TradeExecuted", market="BTC-PERP", buyer="ben", seller="maker")])
    assert [one and one.name for one in (found.version(key, 500) for key in keys)] == ["7", "8", "8"]


def test_what_is_valued_changes_with_every_mark() -> None:
    """GW-CACHE-007: an account's worth and the alerts that hold are named after the newest mark, its orders are not."""
    found, _ = fresh()
    found.hear([heard(7, account="ann"), heard(9, "MarkPriceUpdated", market="BTC-PERP")])
    names = {key: found.version((key, "ann"), 500) for key in ("margin", "limits", "orders")}
    assert [one and one.name for one in names.values()] == ["9", "9", "7"]


def test_who_may_have_missed_events_keeps_by_age_alone() -> None:
    """GW-CACHE-008: a process that has just begun, or missed events, keeps answers by age until older ones are gone."""
    clock = Clock()
    found = Freshness(clock)
    assert found.version(("orders", "ann"), 500) is None
    clock.now += KEPT_MS / 1_000
    assert found.version(("orders", "ann"), 500) is not None
    found.missed()
    assert found.version(("orders", "ann"), 500) is None
    clock.now += KEPT_MS / 1_000
    assert found.version(("vaults",), 500) is None, "what no rule names is kept by age"
    assert set(RULES) >= {"orders", "book", "margin"}


def test_memory_is_bounded_by_what_happens_meanwhile() -> None:
    """GW-CACHE-009: accounts without an event for longer than answers are kept are forgotten; new ones stay."""
    found, clock = fresh()
    found.hear([heard(seq, account=f"a{seq}") for seq in range(1, 9_000)])
    clock.now += 3 * KEPT_MS / 1_000
    found.hear([heard(seq, account="ann") for seq in range(20_000, 20_002)])
    assert len(found._touched) == 1
    assert found.version(("orders", "ann"), 500) == ("20001", 500)
    assert found.version(("orders", "a5"), 500) == ("0", KEPT_MS)
