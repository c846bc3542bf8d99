"""Analytics without servers."""

from services.analytics.app import SERVICE
from tests.support.fold_bench import TradingBench


class Harness(TradingBench):
    """A fresh service with empty tables."""

    def __init__(self) -> None:
        super().__init__(SERVICE.fold)
