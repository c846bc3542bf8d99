"""What liquidation remembers between commands: which large positions are between two steps."""

from cleartide.contracts import LiquidationRules

from services.matching.domain.accounts import Holding

Key = tuple[str, str]


class Solvency:
    """cooldowns: (account, market) -> when the next step may come, microseconds; touched: what is not collected yet.

    untold: market -> what its fund held before a trade of its own moved it in this command, until that is told.
    """

    __slots__ = ("cooldowns", "touched", "untold")

    def __init__(self) -> None:
        self.cooldowns: dict[Key, int] = {}
        self.touched: set[Key] = set()
        self.untold: dict[str, int] = {}

    def cools(self, holding: Holding, at: int) -> bool:
        """Whether the position's last step was too short a time ago."""
        return self.cooldowns.get((holding.account, holding.market.id), 0) > at

    def cool(self, holding: Holding, at: int, rules: LiquidationRules) -> None:
        """A step was made: the next one waits. What has waited long enough is forgotten."""
        for key in [key for key, until in self.cooldowns.items() if until <= at]:
            del self.cooldowns[key]
            self.touched.add(key)
        key = (holding.account, holding.market.id)
        self.cooldowns[key] = at + rules.cooldown_micros
        self.touched.add(key)
