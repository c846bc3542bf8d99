"""The figures that alert rules name, as integers of the decimals that `cleartide.rules.alerting` gives them."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from cleartide.contracts.alert_rules import RuleSubject
from cleartide.rules.alerting import PRICE_DECIMALS
from cleartide.rules.liquidation_price import PricedPosition, liquidation_price
from cleartide.rules.margin import AccountMargin

from services.risk.domain.exposure import gross_quanta
from services.risk.domain.health import HasHealth, margin_of

if TYPE_CHECKING:
    from services.risk.domain.state import Account, Market, Position

MILLION: Final = 1_000_000
BPS: Final = 10_000
PPB_PER_MICRO_BPS: Final = 10
"""One ppb is 1e-5 bps: ten millionths of one."""


class Look:
    """What a rule looks at: an account with its health, a position of it, a market. What is dear is figured once."""

    def __init__(
        self, account: "Account", health: HasHealth, position: "Position | None" = None, market: "Market | None" = None
    ) -> None:
        self.account, self.health, self._position = account, health, position
        self._market = position.market if position is not None else market
        self._known: dict[str, int | None] = {}

    @property
    def position(self) -> "Position":
        """The position that the rule is about."""
        assert self._position is not None
        return self._position

    @property
    def market(self) -> "Market":
        """The market that the rule is about."""
        assert self._market is not None
        return self._market

    def figure(self, name: str) -> int | None:
        """A figure by its name, computed when it is first asked for."""
        known = self._known
        if name not in known:
            known[name] = VALUES[name](self)
        return known[name]

    def is_about(self, each: RuleSubject) -> bool:
        """Whether everything is there that a rule about this may name."""
        return (each != "position" or self._position is not None) and (each != "market" or self._market is not None)

    @cached_property
    def notional_quanta(self) -> int:
        """Of all positions."""
        return gross_quanta(self.account)

    @cached_property
    def margin(self) -> AccountMargin:
        """With the initial margin, which health does without."""
        return margin_of(self.account)


@lru_cache(1_024)
def _tick(tick_size: str) -> int:
    return int(Decimal(tick_size).scaleb(PRICE_DECIMALS))


def _price(market: "Market", ticks: int) -> int | None:
    return ticks * _tick(market.tick_size) if ticks else None


def _premium(look: Look) -> int | None:
    mark, index = look.market.mark_ticks, look.market.index_ticks
    return (mark - index) * BPS * MILLION // index if mark and index else None


def _funding(look: Look) -> int | None:
    rate = look.market.funding_rate_ppb
    return None if rate is None else rate * PPB_PER_MICRO_BPS


def _health_factor(look: Look) -> int | None:
    required = look.health.maintenance_margin_quanta
    return look.health.equity_quanta * MILLION // required if required else None


def _leverage(look: Look) -> int | None:
    equity = look.health.equity_quanta
    return look.notional_quanta * MILLION // equity if equity > 0 else None


def _unrealized(look: Look) -> int:
    return sum(position.value_quanta + position.quote_quanta for position in look.account.positions.values())


def _distance(look: Look) -> int | None:
    market = look.market
    priced = PricedPosition(look.position.lots * market.quanta_per_lot_tick, market.mark_ticks, market.brackets)
    ticks = liquidation_price(look.margin, priced)
    return None if ticks is None else abs(market.mark_ticks - ticks) * BPS * MILLION // market.mark_ticks


VALUES: Final[Mapping[str, Callable[[Look], int | None]]] = {
    "mark_price": lambda look: _price(look.market, look.market.mark_ticks),
    "index_price": lambda look: _price(look.market, look.market.index_ticks),
    "premium_bps": _premium,
    "funding_bps": _funding,
    "open_interest": lambda look: (
        look.market.open_interest_lots * look.market.mark_ticks * look.market.quanta_per_lot_tick
    ),
    "cash": lambda look: look.account.cash_quanta,
    "equity": lambda look: look.health.equity_quanta,
    "maintenance_margin": lambda look: look.health.maintenance_margin_quanta,
    "notional": lambda look: look.notional_quanta,
    "unrealized_pnl": _unrealized,
    "health_factor": _health_factor,
    "leverage": _leverage,
    "positions": lambda look: len(look.account.positions),
    "position_value": lambda look: look.position.value_quanta,
    "position_notional": lambda look: abs(look.position.value_quanta),
    "position_pnl": lambda look: look.position.value_quanta + look.position.quote_quanta,
    "liquidation_distance_bps": _distance,
}
