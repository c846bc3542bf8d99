"""The auditor at a bench: it is given what the tables in memory hold, and keeps what it finds."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from services.matching.audit.auditor import Auditor
from services.matching.audit.evidence import Fill, Finding, Marks, Move, News, Posting, Totals, View, Wanted
from services.matching.audit.reader import rules_of
from services.matching.tests.support import Exchange

IDLE: Final = ("halted", "delisted")


class Accountant:
    """Looks at an exchange's committed rows whenever it is told to. whole: with the sums over whole tables."""

    def __init__(self, ex: Exchange, *, from_now: bool = False) -> None:
        self._ex = ex
        self.findings: list[Finding] = []
        self._auditor = Auditor({}, {}, Marks())
        if from_now:
            ex.commit()
            sums: Counter[str] = Counter()
            for row in self._rows("ledger_entries"):
                sums[row["account"]] += row["amount_quanta"]
            lots = {(row["account"], row["market"]): row["lots"] for row in self._rows("positions")}
            self._auditor = Auditor(sums, lots, self._marks())

    @property
    def checks(self) -> set[str]:
        """The checks that have failed so far."""
        return {finding.check for finding in self.findings}

    def look(self, *, whole: bool = True) -> None:
        """Commit, and audit everything that is new."""
        self._ex.commit()
        self.findings += self._auditor.take(self._news(self._auditor.marks))
        self.findings += self._auditor.compare(self._view(self._auditor.wanted(), whole))

    def _rows(self, name: str) -> list[dict[str, Any]]:
        return self._ex.rows(name)

    def _marks(self) -> Marks:
        found = {row["name"]: row["last"] for row in self._rows("counters")}
        return Marks(*(found.get(name, 0) for name in Marks._fields))

    def _news(self, last: Marks) -> News:
        return News(
            self._marks(),
            [
                Posting(*(row[name] for name in ("transaction_id", "leg", "account", "amount_quanta", "kind", "asset")))
                for row in self._rows("ledger_entries")
                if row["transaction_id"] > last.transactions
            ],
            [_fill(row) for row in self._rows("trades") if row["trade_id"] > last.trades],
            [
                Move(row["account"], row["asset"], row["moved_units"])
                for row in self._rows("transfers")
                if row["transfer_id"] > last.transfers
            ],
            complete=True,
        )

    def _view(self, wanted: Wanted, whole: bool) -> View:
        parents = {row["account"]: row["parent"] or row["account"] for row in self._rows("accounts")}
        referrers = {row["account"]: row["referrer"] for row in self._rows("referrals")}
        terms = self._rows("referral_terms")
        revenue = ("taker_fees_quanta", "maker_fees_quanta", "rebates_quanta", "referrals_quanta")
        earned = [sum(row[name] for row in self._rows("fee_revenue")) for name in revenue]
        locked: Counter[str] = Counter()
        for row in self._rows("withdrawals"):
            locked[f"locked:{row['asset']}:{row['account']}"] += row["amount_units"]
        for row in self._rows("commitments"):
            locked[f"locked:USDC:{row['account']}"] += row["bond_quanta"]
        states = {row["market"]: row["state"] for row in self._rows("market_states")}
        return View(
            position=len(self._ex.commands),
            balances={row["account"]: (row["asset"], row["balance_quanta"]) for row in self._rows("ledger_balances")},
            lots={(row["account"], row["market"]): row["lots"] for row in self._rows("positions")},
            referrers={name: referrers[parents[name]] for name in wanted.traders if parents[name] in referrers},
            locked=locked,
            revenue=earned[0] + earned[1] - earned[2] - earned[3],
            rules=rules_of(self._rows("markets"), self._rows("fee_tiers")),
            discount_ppb=terms[0]["referee_discount_ppb"] if terms else 100_000_000,
            share_ppb=terms[0]["referrer_share_ppb"] if terms else 250_000_000,
            trading=frozenset(row["market"] for row in self._rows("markets") if states.get(row["market"]) not in IDLE),
            cursor="",
            pots=self._pots() if whole else None,
            totals=self._totals() if whole else None,
        )

    def _pots(self) -> dict[str, int]:
        pots: Counter[str] = Counter()
        for row in self._rows("ledger_balances"):
            pots[row["asset"]] += row["balance_quanta"]
        return dict(pots)

    def _totals(self) -> dict[str, Totals]:
        indexes = {row["market"]: row["funding_index_quanta"] for row in self._rows("funding_indexes")}
        interest = {row["market"]: row["open_interest_lots"] for row in self._rows("marks")}
        found: dict[str, Totals] = {}
        for row in self._rows("markets"):
            held = [position for position in self._rows("positions") if position["market"] == row["market"]]
            found[row["market"]] = Totals(
                sum(position["lots"] for position in held),
                sum(max(0, position["lots"]) for position in held),
                interest.get(row["market"], 0),
                _unsettled(held, indexes.get(row["market"], 0)),
            )
        return found


def _unsettled(held: Sequence[dict[str, Any]], index: int) -> int:
    return sum(-position["lots"] * (index - position["funding_index_quanta"]) for position in held)


def _fill(row: dict[str, Any]) -> Fill:
    names = {"price": "price_ticks", "lots": "size_lots", "quote": "quote_quanta"}
    names |= {"buyer_fee": "buyer_fee_quanta", "seller_fee": "seller_fee_quanta"}
    return Fill(*(row[names.get(field, field)] for field in Fill._fields))
