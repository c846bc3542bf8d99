"""The books after a disturbed run: nothing lost, nothing doubled, nothing out of balance."""

from collections.abc import Sequence

from cleartide.ops.rebuild import rebuild

from tests.support.installation import Installation
from tests.support.streams import assert_gapless


async def audit(installed: Installation, services: Sequence[str], trade_ids: Sequence[str]) -> dict[str, int]:
    """Check a settled and stopped installation. Returns what was counted; raises AssertionError or RebuildError."""
    async with installed.client() as client:
        await assert_gapless(client, "EVENTS", "RISK", "FUNDING", "EARNINGS", "ANALYTICS", "VAULTS")
    applied = await installed.fetch("matching", "SELECT outside_trade_id FROM trades WHERE outside_trade_id <> ''")
    assert sorted(row[0] for row in applied) == sorted(trade_ids), "outside trades: lost or doubled"
    entries = await installed.fetch("matching", "SELECT sum(amount_quanta) AS total, count(*) AS n FROM ledger_entries")
    assert entries[0]["total"] == 0, "the ledger does not sum to zero"
    balances = await installed.fetch("matching", "SELECT sum(balance_quanta) AS total FROM ledger_balances")
    assert balances[0]["total"] == 0, "the ledger's balances do not sum to zero"
    lots = await installed.fetch("matching", "SELECT market, sum(lots) AS total FROM positions GROUP BY market")
    assert all(row["total"] == 0 for row in lots), "open positions do not sum to zero"
    positions = {service: (await rebuild(installed.ops, service)).position for service in services}
    return {"trades": len(trade_ids), "ledger_entries": entries[0]["n"], **positions}
