"""Every mutant is noticed by the tests of its rule: they would fail if it were a unit, a tick or a rounding off."""

from collections import Counter
from typing import Final

import pytest

from services.matching.tests.rules import (
    test_accounting_rules,
    test_auction_rules,
    test_liquidation_rules,
    test_margin_rules,
    test_order_rules,
    test_price_rules,
    test_venue_rules,
)
from services.matching.tests.rules.mutants import MUTANTS
from tests.support.mutation import Mutant, Product, Suite

PRODUCT: Final = Product(
    "services/matching/domain",
    "services/matching/queries.py",
    "libs/common/cleartide/money.py",
    "libs/common/cleartide/rules/fees.py",
    "libs/common/cleartide/rules/margin.py",
)
SUITE: Final = Suite(
    [
        test_accounting_rules,
        test_auction_rules,
        test_liquidation_rules,
        test_margin_rules,
        test_order_rules,
        test_price_rules,
        test_venue_rules,
    ]
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_of_a_rule_is_noticed(mutant: Mutant) -> None:
    """RULE-MUT-004"""
    with PRODUCT.planted(mutant):
        assert SUITE.notices(mutant.criterion), f"{mutant}: survives"


def test_every_rule_has_mutants_and_no_mutant_stands_twice() -> None:
    """RULE-MUT-005"""
    assert [mutant for mutant, times in Counter(MUTANTS).items() if times > 1] == []
    assert set(SUITE.criteria) - {mutant.criterion for mutant in MUTANTS} == UNCHANGED


@pytest.mark.parametrize("rule", range(1, 34))
def test_every_rule_from_r1_to_r33_has_a_criterion_and_a_mutant(rule: int) -> None:
    """RULE-MUT-006"""
    mutated = {mutant.criterion for mutant in MUTANTS} | UNCHANGED
    assert [criterion for criterion in mutated if criterion.startswith(f"RULE-R{rule:02}-")]


UNCHANGED: Final = {"RULE-R01-005", "RULE-R09-005", "RULE-R16-001"}
"""Criteria without a number that could be off."""
