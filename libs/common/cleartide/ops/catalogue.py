"""Markets, tiers and limits from a file: what `market list` and `venue apply` bring into a running system.

[rules] holds what all markets have in common, [classes.<name>] what those of a class have, and [[markets]] the rest;
the more special wins, and `limits` are merged. A bracket is [upper value in quote, initial margin, maintenance part],
both rates in ppb; the last one has no upper value. [fees] holds the terms of referrals and `tiers` for every market:
[volume of thirty days in quote, taker rate, maker rate].
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from cleartide.contracts import FeeTier, MarketSpec
from cleartide.money import quanta_from_text

ABOUT: Final = ("class", "category")
"""Fields of a market in the file that are no rules."""


class Catalogue(NamedTuple):
    """What a file says. `limits`: by mode, `tiers`: by name, `referrals`, as the fields of their commands.

    fee_tiers: of every market, none where the file has none.
    """

    markets: tuple[MarketSpec, ...]
    limits: Mapping[str, Mapping[str, Any]]
    tiers: Mapping[str, Mapping[str, Any]]
    fee_tiers: tuple[FeeTier, ...]
    referrals: Mapping[str, int]


def read_catalogue(path: Path) -> Catalogue:
    """Raises OSError, or ValueError where the file is not what it should be."""
    said = tomllib.loads(path.read_text(encoding="utf-8"))
    rules, classes = said.get("rules", {}), said.get("classes", {})
    markets = tuple(_spec(rules, classes[market["class"]], market) for market in said.get("markets", ()))
    names = [spec.market for spec in markets]
    if len(set(names)) != len(names):
        raise ValueError(f"{path}: a market is in it twice")
    referrals = dict(said.get("fees", {}))
    fee_tiers = tuple(_fee_tier(each) for each in referrals.pop("tiers", ()))
    return Catalogue(markets, said.get("limits", {}), said.get("tiers", {}), fee_tiers, referrals)


def _spec(*layers: Mapping[str, Any]) -> MarketSpec:
    merged: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    for layer in layers:
        merged.update(layer)
        limits.update(layer.get("limits", {}))
    rules = {name: value for name, value in merged.items() if name not in ABOUT}
    rules.update(limits=limits, brackets=[_bracket(each) for each in merged["brackets"]])
    return MarketSpec.model_validate_json(json.dumps(rules))


def _fee_tier(said: Sequence[Any]) -> FeeTier:
    volume, taker, maker = said
    return FeeTier(volume_quanta=quanta_from_text(volume), taker_fee_ppb=taker, maker_fee_ppb=maker)


def _bracket(said: Sequence[Any]) -> dict[str, Any]:
    *upper, initial, fraction = said
    return {
        "upper_notional_quanta": quanta_from_text(upper[0]) if upper else None,
        "initial_margin_ppb": initial,
        "maintenance_fraction_ppb": fraction,
    }
