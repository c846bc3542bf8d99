"""The tests of the fund's disposal would fail if it were a tick, a lot, a microsecond or a sign off."""

from typing import Final

import pytest

from services.matching.tests import test_disposal
from services.matching.tests.disposal_mutants import MUTANTS
from tests.support.mutation import Mutant, Product, Suite

PRODUCT: Final = Product("services/matching/domain")
SUITE: Final = Suite([test_disposal])


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_match_dsp_015_a_fault_in_the_disposal_is_noticed(mutant: Mutant) -> None:
    """MATCH-DSP-015"""
    with PRODUCT.planted(mutant):
        assert SUITE.notices(mutant.criterion), f"{mutant}: survives"
