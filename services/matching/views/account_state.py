"""One account among all markets, as of the last committed message, in the very state that the fold works on."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from cleartide.fold import Row, Table
from cleartide.rules.assets import SETTLEMENT_ASSET
from cleartide.service import QueryError

from services.matching import tables
from services.matching.domain.accounts import Account
from services.matching.domain.ledger import cash_name, collateral_name, locked_name, position_name, referral_name
from services.matching.domain.state import MatchingState
from services.matching.repository import restore_account
from services.matching.tables.access import ACCOUNTS, LEVERAGES
from services.matching.tables.fees import FEE_TIERS, REFERRAL_TERMS, REFERRALS, TRADED_VOLUMES
from services.matching.tables.orders import ORDERS
from services.matching.tables.sealed import MARKET_BATCHING
from services.matching.tables.treasury import ASSETS
from services.matching.tables.venue import MARKET_LIMITS, MARKET_STATES

MOST_ROWS: Final = 100_000

_OF_ALL: Final = (
    tables.MARKETS,
    tables.BRACKETS,
    tables.MARKS,
    tables.FUNDING,
    MARKET_LIMITS,
    MARKET_BATCHING,
    MARKET_STATES,
    tables.BOOKS,
    ASSETS,
    FEE_TIERS,
    REFERRAL_TERMS,
)
_OF_ACCOUNT: Final = (ACCOUNTS, LEVERAGES, tables.POSITIONS, ORDERS)
_OF_FAMILY: Final = (REFERRALS, TRADED_VOLUMES)
_AT_SQL: Final = "SELECT position, at FROM consumer_position LIMIT 1"
_HEAD_SQL: Final = "SELECT coalesce(parent, account) FROM accounts WHERE account = $1 LIMIT 1"


class AccountState(NamedTuple):
    """as_of_seq: place of the last message that the state knows."""

    as_of_seq: int
    state: MatchingState
    account: Account


async def read_account(connection: Any, name: str) -> AccountState:
    """Inside one snapshot of the database. Raises QueryError `not_found`."""
    head = await connection.fetchval(_HEAD_SQL, name)
    if head is None:
        raise QueryError("not_found", f"account {name} is not known")
    progress = await connection.fetchrow(_AT_SQL)
    state = restore_account(await _rows(connection, name, head))
    state.ledger.at = progress["at"]
    return AccountState(progress["position"], state, state.accounts[name])


async def _rows(connection: Any, account: str, head: str) -> dict[str, Sequence[Row]]:
    rows: dict[str, Sequence[Row]] = {table.name: () for table in tables.TABLES}
    for group, name in ((_OF_ALL, None), (_OF_ACCOUNT, account), (_OF_FAMILY, head)):
        for table in group:
            where = "" if name is None else "WHERE account = $2 "
            found = await connection.fetch(_select(table, where), MOST_ROWS, *(() if name is None else (name,)))
            rows[table.name] = [tuple(row) for row in found]
    assets = [row[0] for row in rows[ASSETS.name]]
    names = [cash_name(account), locked_name(SETTLEMENT_ASSET, account), referral_name(account)]
    names += [position_name(row[0], account) for row in rows[tables.MARKETS.name]]
    names += [kind(asset, account) for asset in assets for kind in (collateral_name, locked_name)]
    balances = _select(tables.LEDGER_BALANCES, "WHERE account = ANY($2) ")
    rows[tables.LEDGER_BALANCES.name] = await connection.fetch(balances, MOST_ROWS, names)
    return rows


def _select(table: Table, where: str) -> str:
    return f"SELECT {', '.join(table.columns)} FROM {table.name} {where}LIMIT $1"  # noqa: S608 - our declarations
