"""Where risk's accounts are shared by several pools: whom to ask, and how their answers become one.

An account's questions go to its pool; the venue's go to all, and counts and amounts are added up, which is exact. A
market's concentration alone comes out of the pools' own, each rounded to a millionth.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from cleartide.contracts.pools import POOLS, pool_of
from cleartide.money import quanta_from_text, quanta_to_text
from cleartide.rules.accounts import VENUE
from nats.aio.client import Client

from services.gateway.edge.metrics import EdgeMetrics
from services.gateway.edge.upstream import Upstream

Answer = dict[str, Any]
RISK: Final = "risk"
ALERTS: Final = "alerts"
LARGEST: Final = 10
_LAST: Final = (1, Fraction(0))


class PooledUpstream(Upstream):
    """Asks like the other, and of risk the pool that knows, or all of them."""

    def __init__(self, client: Client, metrics: EdgeMetrics, timeout_seconds: float, pools: int) -> None:
        super().__init__(client, metrics, timeout_seconds)
        self._pools = POOLS[RISK][:pools]

    async def ask(self, service: str, query: str, **params: Any) -> Any:
        """As the other does; of several answers the first failure stands for all."""
        merge = MERGES.get(query)
        if service != RISK or len(self._pools) == 1:
            return await super().ask(service, query, **params)
        if query == ALERTS and params.get("account") is None:
            return await self._alerts(limit=params["limit"], before=params.get("before"))
        if merge is None:
            whom = self._pools[pool_of(str(params.get("account") or VENUE), len(self._pools)) - 1]
            return await super().ask(whom, query, **params)
        one = super().ask
        answers = await asyncio.gather(*(one(pool, query, **params) for pool in self._pools))
        return {**_as_of(answers), **_counts(answers), **merge(answers, params)}

    async def _alerts(self, *, limit: int, before: int | None) -> Answer:
        """The newest alerts of all pools. Each numbers its own; a number here says which pool's it is, too."""
        places = [{}] * len(self._pools) if before is None else await self._places(before)
        one = super().ask
        answers = await asyncio.gather(
            *(one(pool, ALERTS, limit=limit, **place) for pool, place in zip(self._pools, places, strict=True))
        )
        found = [
            (alert["cause_seq"], index, alert["seq"], alert)
            for index, answer in enumerate(answers)
            for alert in answer["alerts"]
        ]
        newest = sorted(found, key=lambda row: row[:3], reverse=True)[:limit]
        alerts = [{**alert, "seq": seq * len(answers) + index} for _, index, seq, alert in newest]
        return {**_as_of(answers), "alerts": alerts}

    async def _places(self, before: int) -> list[dict[str, int]]:
        """What each pool is to be asked for, so that its alerts follow the one with this number.

        Pools share no numbers but those of the trading events that alerts are raised at; of one event's alerts those
        of the last pool come first.
        """
        seq, whose = divmod(before, len(self._pools))
        found = (await super().ask(self._pools[whose], ALERTS, before=seq + 1, limit=1))["alerts"]
        if found and found[0]["seq"] == seq:
            cause = found[0]["cause_seq"]
            places = [{"caused_before": cause + (index < whose)} for index in range(len(self._pools))]
        else:  # One that is yet to come follows all there are; there is none before the first.
            places = [{} if seq else {"before": 0} for _ in self._pools]
        return [{"before": seq} if index == whose else place for index, place in enumerate(places)]


def _as_of(answers: Sequence[Answer]) -> Answer:
    """Of the pool that is furthest behind; null while one has seen nothing."""
    places = [answer["as_of_seq"] for answer in answers]
    return {"as_of_seq": None if None in places else min(places)}


def _counts(answers: Sequence[Answer]) -> Answer:
    """Out of all accounts."""
    return {name: sum(answer[name] for answer in answers) for name in ("total", "considered") if name in answers[0]}


def _accounts(answers: Sequence[Answer], params: Mapping[str, Any]) -> Answer:
    rows = [row for answer in answers for row in answer["accounts"]]
    return {"accounts": sorted(rows, key=_health)[: int(params.get("limit") or 50)]}


def _health(row: Mapping[str, Any]) -> tuple[tuple[int, Fraction], bool, str]:
    """Lowest health factor first, exactly; then those without a requirement, then those without prices."""
    priced = row["equity"] is not None
    required = Fraction(row["maintenance_margin"]) if priced else Fraction(0)
    return ((0, Fraction(row["equity"]) / required) if required else _LAST, not priced, row["account"])


def _summary(answers: Sequence[Answer], _params: Mapping[str, Any]) -> Answer:
    columns = zip(*(answer["histogram"] for answer in answers), strict=True)
    return {
        "levels": {name: sum(answer["levels"][name] for answer in answers) for name in answers[0]["levels"]},
        "liquidating": sum(answer["liquidating"] for answer in answers),
        "histogram": [
            {"below": column[0]["below"], "accounts": sum(each["accounts"] for each in column)} for column in columns
        ],
    }


def _stress(answers: Sequence[Answer], _params: Mapping[str, Any]) -> Answer:
    funds = {market: text for answer in answers for market, text in answer["funds"].items()}
    scenarios = zip(*(answer["scenarios"] for answer in answers), strict=True)
    return {"funds": funds, "scenarios": [_scenario(parts, funds) for parts in scenarios]}


def _scenario(parts: Sequence[Answer], funds: Mapping[str, str]) -> Answer:
    owed: dict[str, int] = {}
    for part in parts:
        for row in part["markets"]:
            owed[row["market"]] = owed.get(row["market"], 0) + quanta_from_text(row["shortfall"])
    held = {market: quanta_from_text(funds.get(market, "0")) for market in owed}
    uncovered = {market: max(0, debt - held[market]) for market, debt in owed.items()}
    counts = {name: sum(part[name] for part in parts) for name in ("accounts", "liquidatable", "bankrupt")}
    amounts = {name: _sum(part[name] for part in parts) for name in ("lost", "liquidated", "shortfall", "insurance")}
    return {
        **{name: parts[0][name] for name in ("name", "kind", "shocks")},
        **counts,
        **amounts,
        "uncovered": quanta_to_text(sum(uncovered.values())),
        "markets": [
            {
                "market": market,
                "fund": quanta_to_text(held[market]),
                "shortfall": quanta_to_text(owed[market]),
                "uncovered": quanta_to_text(uncovered[market]),
            }
            for market in sorted(owed)
        ],
    }


def _map(answers: Sequence[Answer], _params: Mapping[str, Any]) -> Answer:
    steps = zip(*(answer["steps"] for answer in answers), strict=True)
    return {
        "market": answers[0]["market"],
        "mark_price": answers[0]["mark_price"],
        "steps": [
            {
                "percent": parts[0]["percent"],
                "accounts": sum(part["accounts"] for part in parts),
                **{side: _sum(part[side] for part in parts) for side in ("long", "short")},
            }
            for parts in steps
        ],
    }


def _exposure(answers: Sequence[Answer], _params: Mapping[str, Any]) -> Answer:
    by_market: dict[str, list[Answer]] = {}
    for answer in answers:
        for row in answer["markets"]:
            by_market.setdefault(row["market"], []).append(row)
    largest = [row for answer in answers for row in answer["largest"]]
    largest.sort(key=lambda row: (-quanta_from_text(row["gross"]), row["account"]))
    return {
        "markets": [_market(market, parts) for market, parts in sorted(by_market.items())],
        "largest": largest[:LARGEST],
    }


def _market(market: str, parts: Sequence[Answer]) -> Answer:
    gross = [quanta_from_text(part["long"]) + quanta_from_text(part["short"]) for part in parts]
    whole = sum(gross) or 1
    top = [row for part in parts for row in part["top"]]
    top.sort(key=lambda row: (-quanta_from_text(row["value"]), row["account"]))
    sizes = [quanta_from_text(row["value"]) for row in top[:LARGEST]]
    squares = sum(Decimal(part["concentration_percent"]) * size**2 for part, size in zip(parts, gross, strict=True))
    return {
        "market": market,
        "holders": sum(part["holders"] for part in parts),
        **{side: _sum(part[side] for part in parts) for side in ("long", "short")},
        "largest_account": top[0]["account"],
        "largest_percent": _percent(sizes[0] * 1_000_000 // whole),
        "top_ten_percent": _percent(sum(sizes) * 1_000_000 // whole),
        "concentration_percent": _percent(int(squares * 10_000 / whole**2)),
        "top": top[:LARGEST],
    }


def _rules(answers: Sequence[Answer], _params: Mapping[str, Any]) -> Answer:
    """Every pool watches by the same rules; one that has not heard of a rule yet has no alert by it."""
    by_name: dict[str, list[tuple[int, Answer]]] = {}
    for index, answer in enumerate(answers):
        for rule in answer["rules"]:
            by_name.setdefault(rule["name"], []).append((index, rule))
    return {"rules": [_rule(parts, len(answers)) for _, parts in sorted(by_name.items())]}


def _rule(parts: Sequence[tuple[int, Answer]], pools: int) -> Answer:
    lasts = [(index, part["last"]) for index, part in parts if part["last"] is not None]
    told = [{**last, "seq": last["seq"] * pools + index} for index, last in lasts]
    return {
        **parts[0][1],
        "holding": sum(part["holding"] for _, part in parts),
        "last": max(told, key=lambda last: (last["raised_at"], last["seq"]), default=None),
    }


def _sum(amounts: Iterable[str]) -> str:
    return quanta_to_text(sum(map(quanta_from_text, amounts)))


def _percent(ppm: int) -> str:
    return format((Decimal(ppm) / 10_000).normalize(), "f")


MERGES: Final[Mapping[str, Callable[[Sequence[Answer], Mapping[str, Any]], Answer]]] = {
    "accounts": _accounts,
    "summary": _summary,
    "stress": _stress,
    "liquidation_map": _map,
    "exposure": _exposure,
    "alert_rules": _rules,
}
"""Questions about the whole venue, by name; any other is one account's, or the venue's own."""
