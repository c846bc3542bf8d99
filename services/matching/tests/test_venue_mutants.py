"""The tests of the venue's rules would fail if a rule were a tick, a lot, a microsecond or a sign off."""

from collections import Counter
from typing import Final

import pytest

from services.matching.tests import (
    test_acceptance,
    test_venue_auction,
    test_venue_breaker,
    test_venue_caps,
    test_venue_markets,
)
from services.matching.tests.venue_mutants import MUTANTS
from tests.support.mutation import Mutant, Product, Suite

PRODUCT: Final = Product("services/matching/domain")
SUITE: Final = Suite([test_acceptance, test_venue_auction, test_venue_breaker, test_venue_caps, test_venue_markets])


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_venue_mut_001_a_mutant_is_noticed(mutant: Mutant) -> None:
    """VENUE-MUT-001"""
    with PRODUCT.planted(mutant):
        assert SUITE.notices(mutant.criterion), f"{mutant}: survives"


def test_venue_mut_002_no_mutant_stands_twice() -> None:
    """VENUE-MUT-002"""
    assert [mutant for mutant, times in Counter(MUTANTS).items() if times > 1] == []
