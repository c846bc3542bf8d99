"""The auditor in a running installation: it lets good books trade, and has markets halted over bad ones."""

import asyncio

import pytest

from deploy.local.sandbox.market import MARKET
from tests.support.installation import Installation
from tests.support.traffic import Traffic

STATE = "SELECT state FROM market_states WHERE market = $1"
PAIR = """
UPDATE ledger_balances SET balance_quanta = balance_quanta + CASE account WHEN 'cash:acct-01' THEN 5 ELSE -5 END
WHERE account IN ('cash:acct-01', 'cash:acct-02')
"""
HISTORY = "SELECT source, \"by\", note FROM venue_changes WHERE new = 'halted'"


@pytest.mark.timeout(120)
async def test_a_balance_that_somebody_changed_halts_the_venue(installed: Installation) -> None:
    """SYS-AUDIT-001: trading goes on until two rows are changed so that every sum stays right; then it stops."""
    await installed.start("matching")
    async with installed.client() as client:
        traffic = Traffic(client, seed=9)
        await traffic.open_market()
        for _ in range(60):
            await traffic.step()
        await installed.settled(["matching"])
        assert await _state(installed) == "trading"
        await installed.fetch("matching", PAIR)
        async with asyncio.timeout(60):
            while await _state(installed) != "halted":  # noqa: ASYNC110 - another process's work
                await asyncio.sleep(0.1)
    (source, by, note), *_ = await installed.fetch("matching", HISTORY)
    assert (source, by) == ("auditor", "auditor")
    assert note.startswith("cash:acct-0") and "its postings sum to" in note


async def _state(installed: Installation) -> str:
    return str((await installed.fetch("matching", STATE, MARKET))[0]["state"])
