"""One small fault each: a unit, a tick, a comparison or a direction of rounding, and the rule whose tests notice.

A text that is gone has been rewritten: give the mutant the new text, so that the rule keeps its proof.
"""

from typing import Final

from services.matching.tests.rules.mutants.accounting import ACCOUNTING
from services.matching.tests.rules.mutants.auctions import AUCTIONS
from services.matching.tests.rules.mutants.liquidation import LIQUIDATION
from services.matching.tests.rules.mutants.margin import MARGIN
from services.matching.tests.rules.mutants.orders import ORDERS
from services.matching.tests.rules.mutants.prices import PRICES
from services.matching.tests.rules.mutants.terms import TERMS

MUTANTS: Final = (*ACCOUNTING, *MARGIN, *PRICES, *LIQUIDATION, *ORDERS, *AUCTIONS, *TERMS)
