"""What can be asked of sealed orders: an account's own, while their rounds last. What is in them is not told."""

from collections.abc import Mapping
from typing import Any, Final

from cleartide.service import Query

MOST_COMMITMENTS: Final = 500

_SQL: Final = """
SELECT c.commitment_id, c.round_id, r.market, c.digest, c.bond_quanta, c.revealed IS NOT NULL AND c.revealed <> ''
       AS revealed, r.closes_at AS reveals_from, r.ends_at AS reveals_until
FROM commitments c JOIN rounds r USING (round_id) WHERE c.account = $1 ORDER BY c.commitment_id LIMIT $2
"""


async def commitments(pool: Any, params: dict[str, Any]) -> Any:
    """An account's commitments in rounds that are not over, oldest first. Parameters: account."""
    rows = await pool.fetch(_SQL, str(params["account"]), MOST_COMMITMENTS)
    return {"commitments": [dict(row) for row in rows]}


QUERIES: Final[Mapping[str, Query]] = {"commitments": commitments}
