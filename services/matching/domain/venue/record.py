"""The venue's own settings, and the record of every change: who, when, what it was and what it is now."""

from typing import Final, NamedTuple

from cleartide.contracts import AccountStanding, AlertRule, VenueMode, VenueSwitch
from cleartide.contracts.venue import AdminCommand

from services.matching.domain.venue.tallies import DailyResults, OrderTimes

DEFAULT_TIER: Final = "standard"
SWITCHES: Final[tuple[VenueSwitch, ...]] = ("kill_switch", "maintenance")


class Who(NamedTuple):
    """Who changed something: where the command came from, the person behind it, and why, for people."""

    source: str
    by: str = ""
    note: str = ""

    @classmethod
    def of(cls, command: AdminCommand) -> "Who":
        """Whoever sent the command."""
        return cls(command.source, command.by, command.note)


SYSTEM: Final = Who("matching")
"""Changes that the rules make by themselves."""


class Change(NamedTuple):
    """One change, in the column order of its table. `command_seq`: place of its command in COMMANDS."""

    change_id: int
    at: int
    command_seq: int
    source: str
    by: str
    note: str
    scope: str
    name: str
    old: str
    new: str


class ModeLimits(NamedTuple):
    """Limits of every account in a mode: quanta of one position, leverage, quanta lost in a UTC day; None is none."""

    max_position: int | None = None
    max_leverage: int | None = None
    max_daily_loss: int | None = None


class Tier(NamedTuple):
    """Orders that an account of the tier may send in any minute, hour and day; None is no cap."""

    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None


class Terms(NamedTuple):
    """What the operator has decided about an account."""

    tier: str = DEFAULT_TIER
    standing: AccountStanding = "active"


NO_CAPS: Final = Tier()
NO_TERMS: Final = Terms()
"""Of an account about which nothing was decided."""


class Venue:
    """Mode, switches, limits, tiers, accounts' terms, and alert rules by name.

    changes: how many were made; fresh, touched_*: what is not collected yet. ends: markets whose state ends by itself.
    attempts: orders by (market, check, reason). keeps_results: whether a mode limits the loss of a day.
    """

    __slots__ = (
        "attempts",
        "changes",
        "ends",
        "fresh",
        "keeps_results",
        "limits",
        "mode",
        "order_times",
        "results",
        "rules",
        "switches",
        "terms",
        "tiers",
        "touched_attempts",
        "touched_limits",
        "touched_rules",
        "touched_settings",
        "touched_terms",
        "touched_tiers",
    )

    def __init__(self) -> None:
        self.mode: VenueMode = "demo"
        self.switches: dict[VenueSwitch, bool] = dict.fromkeys(SWITCHES, False)
        self.limits: dict[VenueMode, ModeLimits] = {"demo": ModeLimits(), "live": ModeLimits()}
        self.tiers: dict[str, Tier] = {}
        self.terms: dict[str, Terms] = {}
        self.rules: dict[str, AlertRule] = {}
        self.changes = 0
        self.ends: dict[str, int] = {}
        self.fresh: list[Change] = []
        self.attempts: dict[tuple[str, str, str], int] = {}
        self.order_times, self.results = OrderTimes(), DailyResults()
        self.keeps_results = False
        self.touched_attempts: set[tuple[str, str, str]] = set()
        self.touched_settings: set[str] = set()
        self.touched_limits: set[VenueMode] = set()
        self.touched_tiers: set[str] = set()
        self.touched_rules: set[str] = set()
        self.touched_terms: set[str] = set()

    def setting(self, name: str) -> str:
        """A setting as text: the mode, or whether a switch is on."""
        for switch, on in self.switches.items():
            if switch == name:
                return "on" if on else "off"
        return self.mode

    @property
    def stopped_by(self) -> VenueSwitch | None:
        """The first switch that is on, while any is."""
        return next((switch for switch, on in self.switches.items() if on), None)

    def limit(self, mode: VenueMode, limits: ModeLimits) -> None:
        """Give a mode its limits."""
        self.limits[mode] = limits
        self.keeps_results = any(each.max_daily_loss is not None for each in self.limits.values())
