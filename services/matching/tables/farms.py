"""Farms of vaults and who has staked there. Rewards that are not paid are in the ledger's balances."""

from collections.abc import Mapping, Sequence
from typing import Final

from cleartide.fold import Changes, Row, Table
from cleartide.rules.farms import Farm, Stake

from services.matching.domain.vaults.record import Vaults

FARMS: Final = Table(
    "farms",
    key=("vault",),
    columns={
        "vault": "text",
        "fee_bps": "integer",
        "to_come_quanta": "bigint",
        "at": "bigint",
        "ends_at": "bigint",
        "earned": "text",
        "staked": "bigint",
    },
)
STAKES: Final = Table(
    "farm_stakes",
    key=("vault", "account"),
    columns={
        "vault": "text",
        "account": "text",
        "shares": "bigint",
        "credited": "text",
        "pending_quanta": "bigint",
    },
)
FARM_TABLES: Final = (FARMS, STAKES)


def restore_farms(vaults: Vaults, rows: Mapping[str, Sequence[Row]]) -> None:
    """Every farm with its stakes."""
    for name, fee, to_come, at, ends_at, earned, staked in rows[FARMS.name]:
        vaults.by_name[name].farm = Farm(fee, to_come, at, ends_at, int(earned), staked)
    for name, account, shares, credited, pending in sorted(rows[STAKES.name]):
        vault = vaults.by_name[name]
        if vault.farm is not None:
            vault.farm.stakes[account] = Stake(shares, int(credited), pending)
        vault.book.staked[account] = shares


def collect_farms(changes: Changes, vaults: Vaults) -> None:
    """Rows of what changed."""
    for name in sorted(vaults.touched_farms):
        farm = vaults.by_name[name].farm
        if farm is not None:
            flow = (farm.to_come, farm.at, farm.ends_at, str(farm.earned), farm.staked)
            changes.put(FARMS, (name, farm.fee_bps, *flow))
    for name, account in sorted(vaults.touched_stakes):
        farm = vaults.by_name[name].farm
        if farm is not None:
            stake = farm.stakes[account]
            changes.put(STAKES, (name, account, stake.shares, str(stake.credited), stake.pending))
    vaults.touched_farms, vaults.touched_stakes = set(), set()
