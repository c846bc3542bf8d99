"""How far the reference model reaches: every command and every event of the exchange, or a reason why not; and that
random steps bring about all that is seldom asked for, done and refused.
"""

from collections import Counter
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

import pytest
from cleartide.contracts import (
    BOOK_EVENTS,
    COMMANDS,
    TRADING_EVENTS,
    AlertRuleRemoved,
    AlertRuleSet,
    AnswerAlert,
    ChangeMarket,
    Message,
    RemoveAlertRule,
    ReportDiscrepancy,
    SetAccountTerms,
    SetAlertRule,
    SetFunding,
    SetLeverage,
    SetOrderTier,
    SetRiskLimits,
    SetVenueLimits,
    SetVenueMode,
    TransferFunds,
)
from cleartide.contracts.assets import ASSET_COMMANDS
from cleartide.contracts.auctions import AuctionOffered
from cleartide.contracts.custody import CUSTODY_COMMANDS
from cleartide.contracts.farms import FARM_COMMANDS
from cleartide.contracts.fees import FEE_COMMANDS
from cleartide.contracts.vaults import OWN_VAULT_COMMANDS

from services.matching.handlers import HANDLERS
from services.matching.tests import model
from services.matching.tests.model.exchange import RULES
from services.matching.tests.model.moods import BROUGHT, LIMITED, ON_ITS_WAY, PAWNED, POOLED, RULED
from services.matching.tests.model.run import live, random_life

_RULED: Final = "put in order for risk, touches no money and no order: test_venue_alert_rules.py"
BESIDE: Final[dict[type[Message], str]] = dict.fromkeys((SetAlertRule, RemoveAlertRule), _RULED)
"""Commands that the model does not know, and where they are shown to be right."""
UNSAID: Final[dict[type[Message], str]] = {
    AuctionOffered: "for makers' ears, beside the books: test_jit_auctions.py",
    AlertRuleSet: _RULED,
    AlertRuleRemoved: _RULED,
}
"""Events that the model does not say, and where they are shown to be right."""


LIVES: Final = 20
REACHED: Final[tuple[tuple[tuple[str, ...], tuple[type[Message], ...], set[str]], ...]] = (
    (
        PAWNED,
        tuple(command for command in ASSET_COMMANDS if command is not TransferFunds),
        {
            "unknown_asset",
            "asset_exists",
            "decimals_fixed",
            "unknown_pool",
            "exceeds_pool",
            "CollateralSwapped swap",
            "CollateralSwapped repayment",
            "CollateralSwapped liquidation",
            "LiquidationRejected collateral_sold",
            "TransferRejected asset_cap",
            "TransferRejected below_least_amount",
            "TransferRejected exceeds_balance",
            "TransferRejected exceeds_pool",
            "TransferRejected index_stale",
            "TransferRejected insufficient_margin",
            "TransferRejected same_asset",
        },
    ),
    (
        RULED,
        (ChangeMarket, SetFunding, ReportDiscrepancy, SetRiskLimits, AnswerAlert),
        {
            "would_liquidate",
            "fixed_field",
            "version_conflict",
            "bad_spec",
            "rate_missing",
            "rate_not_allowed",
            "MarketStateChanged audit",
            "MarketStateChanged circuit_breaker",
            "AuctionUncrossed",
            "CommitmentExpired not_revealed",
        },
    ),
    (
        BROUGHT,
        FEE_COMMANDS,
        {
            "bad_schedule",
            "no_schedule",
            "bad_terms",
            "PositionChanged referral",
            "PositionChanged rebate",
            "AccountRequestRejected already_referred",
            "AccountRequestRejected circular",
            "AccountRequestRejected not_head_of_family",
            "AccountRequestRejected own_account",
        },
    ),
    (
        POOLED,
        (*OWN_VAULT_COMMANDS, *FARM_COMMANDS),
        {
            "VaultExitChanged",
            "VaultSharesRedeemed",
            "VaultFundsMoved",
            "FarmRewardsPaid",
            "AccountRequestRejected exceeds_reserve",
            "AccountRequestRejected fee_raise",
            "AccountRequestRejected not_enough_shares",
            "AccountRequestRejected over_capacity",
            "AccountRequestRejected stale_price",
        },
    ),
    (ON_ITS_WAY, CUSTODY_COMMANDS, {"already_processing", "already_settled"}),
    (
        LIMITED,
        (SetVenueLimits, SetVenueMode, SetOrderTier, SetAccountTerms, SetLeverage),
        {
            "open_positions",
            "OrderRejected daily_loss",
            "OrderRejected rate_day",
            "OrderRejected rate_hour",
            "OrderRejected rate_minute",
        },
    ),
)
"""Moods, the commands that are theirs, and what besides comes of them."""


@pytest.mark.parametrize(("mood", "commands", "outcomes"), REACHED)
def test_match_mod_008_what_is_seldom_asked_for_is_done_and_refused(
    mood: tuple[str, ...], commands: tuple[type[Message], ...], outcomes: set[str]
) -> None:
    """MATCH-MOD-008"""
    came = Counter[str]()
    for life in range(LIVES):
        came.update(live(*random_life(8, life, mood)).outcomes)
    answered = {f"{command.__name__}: {way}" for command in commands for way in ("done", "refused")}
    assert (answered | outcomes) - {*came} == set()


def test_match_mod_007_every_command_is_in_the_model_or_stands_beside_it_for_a_reason() -> None:
    """MATCH-MOD-007"""
    taken = {contract for contract in HANDLERS if contract is not Message}
    assert taken <= {*COMMANDS}
    assert taken - {*RULES} == {*BESIDE}
    assert {*RULES} <= taken


def test_match_mod_007_every_event_is_said_by_the_model_or_stands_beside_it_for_a_reason() -> None:
    """MATCH-MOD-007"""
    modules = [import_module(f"{model.__name__}.{found.name}") for found in iter_modules(model.__path__)]
    said = {id(value) for module in modules for value in vars(module).values()}
    assert {event for event in (*TRADING_EVENTS, *BOOK_EVENTS) if id(event) not in said} == {*UNSAID}
