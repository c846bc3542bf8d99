"""Whether the books add up, as the system itself answers: matching's sums, and its auditor's own count."""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

ANSWER_SECONDS: Final = 5.0
GREEN, RED, PLAIN = "\033[32m", "\033[31m", "\033[0m"
_SAMPLE: Final = re.compile(r"^(cleartide_audit_\w+?)(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Audited:
    """What the auditor has counted since matching started: comparisons, what did not add up, the last transaction."""

    looks: int
    findings: int
    transaction: int

    @classmethod
    def of(cls, metrics: str) -> "Audited":
        """From matching's metrics. Raises ValueError where there is no auditor."""
        sums: dict[str, float] = {}
        for name, value in _SAMPLE.findall(metrics):
            sums[name] = sums.get(name, 0.0) + float(value)
        if "cleartide_audit_looks_total" not in sums:
            raise ValueError("matching tells nothing of its auditor")
        counted = ("cleartide_audit_looks_total", "cleartide_audit_findings_total", "cleartide_audit_transaction")
        return cls(*(int(sums.get(name, 0)) for name in counted))


@dataclass(frozen=True)
class Invariants:
    """The three that hold whatever the market does."""

    conservation: Mapping[str, Any]
    audited: Audited

    @property
    def hold(self) -> bool:
        """Whether all of them do."""
        return self._sums_to_zero and self._longs_are_shorts and not self.audited.findings

    @property
    def _sums_to_zero(self) -> bool:
        return not any(sum(pots.values()) for pots in self.conservation["assets"].values())

    @property
    def _longs_are_shorts(self) -> bool:
        return not any(self.conservation["lots"].values())

    def line(self) -> str:
        """One line for people."""
        off = {name: sum(pots.values()) for name, pots in self.conservation["assets"].items() if sum(pots.values())}
        lots = {market: lots for market, lots in self.conservation["lots"].items() if lots}
        ledger = "ledger sums to zero" if self._sums_to_zero else f"ledger is off by {off}"
        open_lots = "long = short" if self._longs_are_shorts else f"long - short is {lots}"
        looks, findings, last = self.audited.looks, self.audited.findings, self.audited.transaction
        auditor = f"auditor: {findings} findings in {looks} looks, up to transaction {last}"
        return f"Invariants      {'hold' if self.hold else 'BROKEN'}: {ledger}; {open_lots}; {auditor}"

    def show(self) -> None:
        """Print the line, green or red where there are colours."""
        text = self.line()
        print(f"{GREEN if self.hold else RED}{text}{PLAIN}" if sys.stdout.isatty() else text)


async def audited(health: str) -> Audited:
    """What the auditor of the matching at this address has counted. Raises ValueError, OSError, TimeoutError."""
    timeout = aiohttp.ClientTimeout(ANSWER_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as http, http.get(f"{health}/metrics") as response:
        return Audited.of(await response.text())
