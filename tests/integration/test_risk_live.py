"""The benchmark of risk on real servers (`make bench ONLY=risk_live`), small: it starts, and alerts come."""

import pytest

from benchmarks.risk_scale import live
from tests.support.installation import Installation


@pytest.mark.timeout(120)
async def test_a_price_reaches_the_bus_as_alerts(installed: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """RISK-LIVE-001: from rows in the tables to alerts on the bus, each of them timed. Slow: a process starts."""
    monkeypatch.setattr(live, "RATE", 1_000)
    monkeypatch.setattr(live, "PHASES", (("crash", 0.001, -0.3),))
    rows = {row.id: row.value for row in await live.measure(installed, 300, 300)}
    told = await installed.fetch("risk", "SELECT count(*) FROM alerts")
    assert rows["risk_live.300.crash.alerts"] == told[0][0] > 50
    assert 0 < rows["risk_live.300.crash.p50"] <= rows["risk_live.300.crash.p99"]
    assert rows["risk_live.300.memory"] > 0
