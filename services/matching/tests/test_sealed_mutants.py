"""The tests of sealed orders would fail if a window, a bond, a hash or a check were off."""

from typing import Final

import pytest

from services.matching.tests import test_sealed_orders
from tests.support.mutation import Mutant, Product, Suite

PRODUCT: Final = Product(
    "services/matching/domain/sealed", "services/matching/domain/acceptance", "libs/common/cleartide/rules/sealing.py"
)
SUITE: Final = Suite([test_sealed_orders])
MUTANTS: Final = (
    Mutant("MATCH-SEA-001", "closes_at + terms.reveal_micros)", "closes_at + terms.reveal_micros + 1)"),
    Mutant("MATCH-SEA-002", "if at < round_.closes_at:", "if at <= round_.closes_at:"),
    Mutant("MATCH-SEA-002", "if at < round_.closes_at:", "if at < round_.closes_at - 1:"),
    Mutant("MATCH-SEA-003", "if found is not None and at < found.closes_at:", "if found is not None:"),
    Mutant("MATCH-SEA-003", "and at < found.closes_at:", "and at < found.closes_at - 1:"),
    Mutant("MATCH-SEA-004", "bonds.forfeit(state, commitment, market)", "bonds.release(state, out, commitment)"),
    Mutant("MATCH-SEA-004", "if commitment.order is None:", "if commitment.order is not None:"),
    Mutant("MATCH-SEA-005", "require_free(account, bonds.asset(state), market.spec.batching.bond_quanta)", "pass"),
    Mutant("MATCH-SEA-005", "    bonds.lock(state, out, commitment)\n", ""),
    Mutant("MATCH-SEA-007", ">= MOST_OF_ACCOUNT:", "> MOST_OF_ACCOUNT:"),
    Mutant("MATCH-SEA-007", ">= MOST_COMMITMENTS:", "> MOST_COMMITMENTS:"),
    Mutant("MATCH-SEA-007", "== (account.name, digest)", "== (digest, account.name)"),
    Mutant("MATCH-SEA-008", "(TAG, account, market, salt, body)", "(TAG, market, salt, body)"),
    Mutant("MATCH-SEA-008", "(TAG, account, market, salt, body)", "(TAG, account, market, body)"),
    Mutant("MATCH-SEA-008", "(TAG, account, market, salt, body)", "(TAG, account, market, salt)"),
    Mutant("MATCH-SEA-008", "or commitment.account != account.name:", "or False:"),
    Mutant("MATCH-SEA-008", "if round_.market != market.id:", "if False:"),
    Mutant("MATCH-SEA-008", "if commitment.order is not None:\n        raise", "if False:\n        raise"),
    Mutant("MATCH-SEA-009", 'require(account, command.actor, "trade")', "pass"),
    Mutant("MATCH-SEA-009", "commitment.account, ended.market, commitment.actor)", "commitment.account, ended.market)"),
    Mutant("MATCH-SEA-010", "or _crosses(draft.market, draft):", "or False:"),
    Mutant("MATCH-SEA-010", 'if replaced is None or replaced.state == "armed"', 'if replaced.state == "armed"'),
    Mutant(
        "MATCH-SEA-010", "checks.openness(state, draft)\n    checks.batched(draft)", "checks.openness(state, draft)"
    ),
    Mutant("MATCH-SEA-012", "place(state, out, sender, commitment.order, batched=True)", "pass"),
    Mutant("MATCH-SEA-015", 'f"{digest}{salts[digest]}"', 'f"{digest}"'),
    Mutant("MATCH-SEA-017", "_hash(seed + digest)", "_hash(digest)"),
    Mutant("MATCH-SEA-017", 'f"{digest}{salts[digest]}"', 'f"{digest}"'),
)


def test_match_sea_019_without_a_fault_every_test_passes() -> None:
    """MATCH-SEA-019"""
    assert [name for name in sorted({mutant.criterion for mutant in MUTANTS}) if SUITE.notices(name)] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_match_sea_020_a_mutant_is_noticed(mutant: Mutant) -> None:
    """MATCH-SEA-020"""
    with PRODUCT.planted(mutant):
        assert SUITE.notices(mutant.criterion), f"{mutant}: survives"
