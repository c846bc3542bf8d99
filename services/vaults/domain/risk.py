"""How risky it is to be in a vault on a chain: a level by measured facts, with the facts that made it."""

from typing import Final, Literal, NamedTuple

RiskLevel = Literal["low", "medium", "high"]
WINDOW_MICROS: Final = 30 * 86_400_000_000
"""How far back falls and emergencies count."""
SILENT_MICROS: Final = 86_400_000_000
"""After so long without a state nobody knows what a share is worth."""
DEEP_PPB: Final = 50_000_000
SHALLOW_PPB: Final = 10_000_000


class Facts(NamedTuple):
    """What is known of a vault. Instants in microseconds, rates and the deepest fall of its share's price in 1e-9."""

    status: str
    silent_micros: int | None
    drawdown_ppb: int
    emergencies: int
    lending_apy_ppb: int
    incentives_apy_ppb: int


def risk_of(facts: Facts) -> tuple[RiskLevel, list[str]]:
    """The level and its reasons, the gravest first; low has none. Our own rule: no source publishes one.

    high: it is paused or closed, has not reported for a day, or a share fell 5 % below its highest hour of 30 days.
    medium: a share fell 1 %, an emergency action within 30 days, or incentives, which may end, are most of the rate.
    """
    silent = facts.silent_micros is None or facts.silent_micros > SILENT_MICROS
    deep, total = facts.drawdown_ppb >= DEEP_PPB, facts.lending_apy_ppb + facts.incentives_apy_ppb
    high = {facts.status: facts.status != "active", "silent": silent, "deep_drawdown": deep}
    medium = {
        "drawdown": SHALLOW_PPB <= facts.drawdown_ppb < DEEP_PPB,
        "emergency": facts.emergencies > 0,
        "incentives": facts.incentives_apy_ppb > 0 and 2 * facts.incentives_apy_ppb > total,
    }
    grave = [reason for reason, holds in high.items() if holds]
    reasons = grave + [reason for reason, holds in medium.items() if holds]
    return ("high" if grave else "medium" if reasons else "low"), reasons
