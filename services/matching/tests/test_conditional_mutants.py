"""The tests of conditional orders would fail if a rule were a tick, a sign, an event or an order off."""

from typing import Final

import pytest

from services.matching.tests import (
    test_conditional,
    test_conditional_venue,
    test_linked_orders,
    test_trailing,
    test_trigger_book,
)
from services.matching.tests.conditional_mutants import MUTANTS
from tests.support.mutation import Mutant, Product, Suite

PRODUCT: Final = Product("services/matching/domain", "services/matching/tables/conditional.py")
SUITE: Final = Suite([test_conditional, test_conditional_venue, test_linked_orders, test_trailing, test_trigger_book])


def test_match_cfl_005_the_suite_finds_no_fault_in_the_product() -> None:
    """MATCH-CFL-005: without a fault every test that is to notice one passes."""
    assert [name for name in sorted({mutant.criterion for mutant in MUTANTS}) if SUITE.notices(name)] == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_match_cfl_006_a_mutant_is_noticed(mutant: Mutant) -> None:
    """MATCH-CFL-006"""
    with PRODUCT.planted(mutant):
        assert SUITE.notices(mutant.criterion), f"{mutant}: survives"
