"""The rows that must be in the service's tables, by table and key, in the columns named here."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Final

from cleartide.contracts import AssetSpec, FeeTier

from services.matching.tests.model.collateral import SETTLEMENT
from services.matching.tests.model.expected_markets import MARKET_COLUMNS, MARKET_ROWS
from services.matching.tests.model.expected_vaults import VAULT_COLUMNS, VAULT_ROWS
from services.matching.tests.model.family import RIGHTS
from services.matching.tests.model.numbers import BILLION, SECOND, down
from services.matching.tests.model.rows import Rows, once
from services.matching.tests.model.world import World

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    **MARKET_COLUMNS,
    **VAULT_COLUMNS,
    "marks": (
        "mark_ticks",
        "index_ticks",
        "last_ticks",
        "index_stale",
        "updated_at",
        "ema_micro_ticks",
        "ema_at",
        "premium_minute",
        "fresh_since",
        "index_average_micro_ticks",
        "open_interest_lots",
    ),
    "market_states": ("state", "since", "ends_at", "spec_version"),
    "fee_tiers": tuple(FeeTier.model_fields),
    "referral_terms": ("referee_discount_ppb", "referrer_share_ppb"),
    "referrals": ("referrer",),
    "fee_revenue": ("taker_fees_quanta", "maker_fees_quanta", "rebates_quanta", "referrals_quanta"),
    "liquidation_cooldowns": ("until",),
    "funding_indexes": ("funding_index_quanta", "carry", "rate_ppb", "interval_start", "interval_micros"),
    "accounts": ("opened_at", "parent", "isolated_market"),
    "delegates": ("may_cancel", "may_deposit", "may_trade", "may_transfer", "may_withdraw"),
    "positions": ("lots", "funding_index_quanta"),
    "orders": (
        "order_id",
        "account",
        "market",
        "client_order_id",
        "side",
        "price_ticks",
        "size_lots",
        "remaining_lots",
        "reduce_only",
        "loss_per_lot_quanta",
        "post_only",
        "self_trade_prevention",
        "expires_at",
        "display_lots",
        "shown_lots",
        "prevented_lots",
        "state",
    ),
    "triggers": ("trigger_source", "trigger_price_ticks", "trail_ticks", "trail_rate_ppb", "parent_order_id"),
    "dormant_exits": (
        "parent_order_id",
        "client_order_id",
        "order_type",
        "price_ticks",
        "trigger_source",
        "trigger_price_ticks",
    ),
    "oco_members": ("oco_group",),
    "rounds": ("market", "closes_at", "ends_at"),
    "commitments": ("round_id", "account", "digest", "bond_quanta", "salt", "actor"),
    "jit_auctions": (
        "account",
        "client_order_id",
        "start_ticks",
        "end_ticks",
        "offsets",
        "slots",
        "opened_at",
        "next_slot",
        "maker_lots",
    ),
    "jit_quotes": ("account", "price_ticks", "size_lots", "remaining_lots"),
    "reported_trades": (
        "market",
        "first_trade_id",
        "trade_id",
        "at",
        "price_ticks",
        "size_lots",
        "buyer",
        "seller",
        "last_before_ticks",
        "busted",
    ),
    "deposits": (
        "deposit_id",
        "account",
        "amount_units",
        "confirmations",
        "confirmations_needed",
        "status",
        "seen_at",
    ),
    "withdrawals": ("account", "asset", "amount_units", "destination", "status", "asked_at"),
    "leverages": ("leverage",),
    "venue_limits": ("max_position_quanta", "max_leverage", "max_daily_loss_quanta"),
    "order_tiers": ("per_minute", "per_hour", "per_day"),
    "account_terms": ("tier", "standing"),
    "order_times": ("at",),
    "daily_results": ("day", "result_quanta"),
    "ledger_balances": ("balance_quanta", "asset"),
    "assets": tuple(AssetSpec.model_fields),
    "counters": ("last",),
    "command_sources": ("last_seq",),
}

TRADES: Final = (
    "trade_id",
    "market",
    "at",
    "price_ticks",
    "size_lots",
    "quote_quanta",
    "buyer",
    "seller",
    "buy_order_id",
    "sell_order_id",
    "taker_side",
    "origin",
    "outside_trade_id",
    "buyer_fee_quanta",
    "seller_fee_quanta",
    "corrects",
)
"""The columns of a trade's row."""


def _marks(world: World) -> Rows:
    rows: Rows = {}
    for market in world.markets.values():
        seen = (market.mark, market.index, market.last, market.stale, market.heard_at)
        basis = (market.basis, market.basis_second * SECOND, market.minute, market.fresh_since, market.average)
        rows[(market.name,)] = (*seen, *basis, world.open_interest(market.name))
    return rows


def _states(world: World) -> Rows:
    markets = world.markets.values()
    return {(market.name,): (market.state, market.since, market.ends_at, market.version) for market in markets}


def _fee_tiers(world: World) -> Rows:
    return {
        (market, number): tuple(dict(tier).values())
        for market, tiers in world.schedules.items()
        for number, tier in enumerate(tiers)
    }


def _cooldowns(world: World) -> Rows:
    return {key: (until,) for key, until in world.cooldowns.items()}


def _funding(world: World) -> Rows:
    rows: Rows = {}
    for name, market in world.markets.items():
        last = (market.funding_rate, market.interval_start, market.interval)
        (index,) = once("funding_indexes", name, market.funding_total, _index).values()
        rows[(name,)] = (*index, *last)
    return rows


def _index(total: Fraction) -> Rows:
    whole = down(total)
    return {(): (whole, int((total - whole) * BILLION))}


def _accounts(world: World) -> Rows:
    return {
        (account.name,): (account.opened_at, account.parent or None, account.pinned or None)
        for account in world.accounts.values()
    }


def _delegates(world: World) -> Rows:
    return {
        (account.name, delegate): tuple(right in rights for right in RIGHTS)
        for account in world.accounts.values()
        for delegate, rights in account.delegates.items()
    }


def _positions(world: World) -> Rows:
    return {
        (account.name, market): (position.lots, position.funding_since)
        for account in world.accounts.values()
        for market, position in account.positions.items()
        if position.lots
    }


def _orders(world: World) -> Rows:
    rows: Rows = {}
    for order in world.open_orders():
        owner = (order.number, order.account, order.market, order.name)
        terms = (order.side, order.price, order.size, order.left, order.reduce_only, order.loss)
        life = "partially_filled" if order.filled else "open"
        life = "armed" if order.number in world.armed else life
        more = (order.post_only, order.prevention, order.until, order.display, order.shown, order.prevented, life)
        rows[(order.number,)] = (*owner, *terms, *more)
    return rows


def _triggers(world: World) -> Rows:
    return {
        (number,): (
            armed.source,
            armed.level or 0,
            armed.amount or 0,
            int((armed.share or 0) * BILLION),
            armed.parent,
        )
        for number, armed in world.armed.items()
    }


def _dormant(world: World) -> Rows:
    rows: Rows = {}
    for number, armed in world.dormant.items():
        order = armed.order
        rows[(number,)] = (armed.parent, order.name, order.kind, order.price, armed.source, armed.level)
    return rows


def _groups(world: World) -> Rows:
    return {(number,): (name,) for number, name in world.groups.items()}


def _rounds(world: World) -> Rows:
    return {(number,): (one.market, one.closes_at, one.ends_at) for number, one in world.rounds.items()}


def _commitments(world: World) -> Rows:
    held = world.commitments.items()
    return {(number,): (one.round, one.account, one.digest, one.bond, one.salt, one.actor) for number, one in held}


def _auctions(world: World) -> Rows:
    rows: Rows = {}
    for number, one in world.auctions.items():
        course = (one.start, one.end, one.offsets, one.slots)
        rows[(number,)] = (one.order.account, one.order.name, *course, one.opened_at, one.slot, one.made)
    return rows


def _quotes(world: World) -> Rows:
    return {
        (number, held.number): (held.account, held.price, held.size, held.left)
        for number, one in world.auctions.items()
        for held in one.quotes
    }


def _reported(world: World) -> Rows:
    rows: Rows = {}
    for one in world.reported:
        first = (one.market, one.first, one.number, one.at, one.price, one.lots)
        rows[(one.source, one.name)] = (*first, one.buyer, one.seller, one.before, one.busted)
    return rows


def _deposits(world: World) -> Rows:
    rows: Rows = {}
    for key, one in world.incoming.items():
        counts = (one.confirmations, one.needed)
        rows[key] = (one.number, one.account, one.amount, *counts, one.status, one.seen_at)
    return rows


def _withdrawals(world: World) -> Rows:
    return {
        (number,): (one.account, one.asset, one.amount, one.destination, one.status, one.asked_at)
        for number, one in world.outgoing.items()
    }


def _leverages(world: World) -> Rows:
    return {
        (account.name, market): (leverage,)
        for account in world.accounts.values()
        for market, leverage in account.leverages.items()
        if leverage
    }


def _order_times(world: World) -> Rows:
    return {(name, number): (at,) for name, times in world.order_times.items() for number, at in times}


def pots(world: World) -> Iterator[tuple[tuple[str, str], int]]:
    """(name, asset) and balance in smallest units of every ledger account; those of one asset hold nothing together."""
    yield ("external", SETTLEMENT), world.outside[SETTLEMENT]
    for asset in world.assets:
        yield (f"external:{asset}", asset), world.outside[asset]
    yield ("fees", SETTLEMENT), world.fees
    for vault in world.vaults.values():
        yield (f"vault:{vault.name}", SETTLEMENT), vault.reserve
        yield (f"farm:{vault.name}", SETTLEMENT), vault.farm.pot if vault.farm is not None else 0
    for name, reward in world.rewards.items():
        yield (f"referral:{name}", SETTLEMENT), reward
    for name, pool in world.pools.items():
        for asset, units in pool.items():
            yield (f"pool:{name}:{asset}", asset), units
    for (asset, name), locked in world.locked.items():
        yield (f"locked:{asset}:{name}", asset), locked
    for market in world.markets.values():
        yield (f"insurance:{market.name}", SETTLEMENT), market.insurance
        yield (f"funding:{market.name}", SETTLEMENT), market.funding_pot
    for account in world.accounts.values():
        yield (f"cash:{account.name}", SETTLEMENT), account.cash
        for asset, units in account.collateral.items():
            yield (f"collateral:{asset}:{account.name}", asset), units
        for name, position in account.positions.items():
            yield (f"position:{name}:{account.name}", SETTLEMENT), position.quote


def _balances(world: World) -> Rows:
    return {(name,): (balance, asset) for (name, asset), balance in pots(world) if balance}


def _counters(world: World) -> Rows:
    last = {"orders": world.order_number, "trades": world.trade_number, "liquidations": world.liquidation_number}
    last |= {"transfers": world.transfer_number, "changes": world.changes}
    last |= {"vault_exits": world.exit_number, "vault_moves": world.vault_move_number}
    last |= {"rounds": world.round_number, "commitments": world.commitment_number, "quotes": world.quote_number}
    return {(name,): (number,) for name, number in last.items() if number}


def _sources(world: World) -> Rows:
    return {(name,): (number,) for name, number in world.numbers.items()}


EXPECTED: Final[Mapping[str, Callable[[World], Rows]]] = {
    **MARKET_ROWS,
    **VAULT_ROWS,
    "marks": _marks,
    "market_states": _states,
    "fee_tiers": _fee_tiers,
    "referral_terms": lambda world: {(True,): world.referral} if world.referral_said else {},
    "referrals": lambda world: {(name,): (referrer,) for name, referrer in world.referrers.items()},
    "fee_revenue": lambda world: dict(world.revenue),
    "liquidation_cooldowns": _cooldowns,
    "funding_indexes": _funding,
    "accounts": _accounts,
    "delegates": _delegates,
    "positions": _positions,
    "orders": _orders,
    "triggers": _triggers,
    "dormant_exits": _dormant,
    "oco_members": _groups,
    "rounds": _rounds,
    "commitments": _commitments,
    "jit_auctions": _auctions,
    "jit_quotes": _quotes,
    "reported_trades": _reported,
    "deposits": _deposits,
    "withdrawals": _withdrawals,
    "leverages": _leverages,
    "venue_limits": lambda world: {(mode,): tuple(limits) for mode, limits in world.limits.items()},
    "order_tiers": lambda world: {(tier,): caps for tier, caps in world.caps.items()},
    "account_terms": lambda world: {(name,): tuple(terms) for name, terms in world.terms.items()},
    "order_times": _order_times,
    "daily_results": lambda world: {(name,): result for name, result in world.results.items()},
    "ledger_balances": _balances,
    "assets": lambda world: {(name,): tuple(dict(spec).values()) for name, spec in world.assets.items()},
    "counters": _counters,
    "command_sources": _sources,
}


def books(world: World) -> dict[str, list[tuple[int, int, int, int]]]:
    """(number, price, lots left, lots shown) of every order by market and side, the next to trade first."""
    return {
        f"{name} {side:+d}": [(order.number, order.price, order.left, order.shown) for order in world.book(name, side)]
        for name in world.markets
        for side in (1, -1)
    }
