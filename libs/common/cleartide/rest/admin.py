"""What operators do.

Written by `make client` from the API's document: do not edit.
"""

from collections.abc import Sequence
from typing import Literal, NotRequired, TypedDict

from cleartide.answers.operations import (
    AuditPage,
    DeadLetters,
    GrantedRole,
    Networks,
    PeoplePage,
    PersonLine,
    Redriven,
    RequestPage,
    Roles,
    ServiceList,
    TermsPage,
    Trace,
    VenueChanges,
    VenueUsage,
    VenueView,
    WholeLetter,
)
from cleartide.answers.risk import AnsweredAlerts, RuleFigures, RuleList, RuleView
from cleartide.answers.shapes import TransferOutcome
from cleartide.rest.transport import Transport, given, part


class RuleTerms(TypedDict):
    """A rule but for its name. `when`, `until`: conditions over figures; `markets`: none is all."""

    level: NotRequired[Literal["watch", "warning", "critical"]]
    each: Literal["account", "position", "market"]
    when: str
    until: NotRequired[str]
    markets: NotRequired[Sequence[str]]
    cooldown_seconds: NotRequired[int]
    note: NotRequired[str]


class AdminOperations:
    """What operators do."""

    _transport: Transport

    async def admin_dead_letters(self, *, before: int | None = None, limit: int | None = None) -> DeadLetters:
        """What could not be applied, newest first."""
        told: DeadLetters = await self._transport.ask(
            "GET", "/api/v1/admin/dead-letters", {"before": before, "limit": limit}
        )
        return told

    async def admin_dead_letter(self, seq: int) -> WholeLetter:
        """One of them, with the message that was refused."""
        told: WholeLetter = await self._transport.ask("GET", f"/api/v1/admin/dead-letters/{part(seq)}")
        return told

    async def redrive(self, seq: int, *, note: str | None = None, once: str | None = None) -> Redriven:
        """Publish the message again, where it came from."""
        told: Redriven = await self._transport.ask(
            "POST", f"/api/v1/admin/dead-letters/{part(seq)}/redrive", body={**given({"note": note})}, once=once
        )
        return told

    async def admin_roles(self) -> Roles:
        """Who has which role, and what each may."""
        told: Roles = await self._transport.ask("GET", "/api/v1/admin/roles")
        return told

    async def set_role(
        self,
        user: str,
        *,
        role: Literal["owner", "operator", "support", "auditor"] | None,
        note: str | None = None,
        once: str | None = None,
    ) -> GrantedRole:
        """Give somebody a role, or take it."""
        told: GrantedRole = await self._transport.ask(
            "PUT", f"/api/v1/admin/roles/{part(user)}", body={"role": role, **given({"note": note})}, once=once
        )
        return told

    async def set_networks(
        self, *, networks: Sequence[str], note: str | None = None, once: str | None = None
    ) -> Networks:
        """Where operators may come from; replaces them all."""
        told: Networks = await self._transport.ask(
            "PUT", "/api/v1/admin/networks", body={"networks": networks, **given({"note": note})}, once=once
        )
        return told

    async def admin_log(self, *, before: int | None = None, limit: int | None = None) -> AuditPage:
        """Every action of operators, with old and new values, newest first."""
        told: AuditPage = await self._transport.ask("GET", "/api/v1/admin/log", {"before": before, "limit": limit})
        return told

    async def admin_services(self) -> ServiceList:
        """Position, lag and last commit of every service, as `services` tells them."""
        told: ServiceList = await self._transport.ask("GET", "/api/v1/admin/services")
        return told

    async def admin_venue(self) -> VenueView:
        """Mode, switches, limits and tiers of the venue."""
        told: VenueView = await self._transport.ask("GET", "/api/v1/admin/venue")
        return told

    async def admin_venue_changes(self, *, before: int | None = None, limit: int | None = None) -> VenueChanges:
        """Who changed which of them, old and new, as the sequence has it."""
        told: VenueChanges = await self._transport.ask(
            "GET", "/api/v1/admin/venue/changes", {"before": before, "limit": limit}
        )
        return told

    async def trace(self, message: str) -> Trace:
        """An alert, by number or id, back to the frame that caused it."""
        told: Trace = await self._transport.ask("GET", f"/api/v1/admin/trace/{part(message)}")
        return told

    async def set_mode(
        self, *, mode: Literal["demo", "live"], note: str | None = None, once: str | None = None
    ) -> TransferOutcome:
        """Switch the venue between demo and live."""
        told: TransferOutcome = await self._transport.ask(
            "PUT", "/api/v1/admin/venue/mode", body={"mode": mode, **given({"note": note})}, once=once
        )
        return told

    async def set_switch(
        self,
        switch: Literal["kill_switch", "maintenance"],
        *,
        on: bool,
        note: str | None = None,
        once: str | None = None,
    ) -> TransferOutcome:
        """Turn the kill switch or the maintenance flag on or off."""
        told: TransferOutcome = await self._transport.ask(
            "PUT", f"/api/v1/admin/venue/switches/{part(switch)}", body={"on": on, **given({"note": note})}, once=once
        )
        return told

    async def set_mode_limits(
        self,
        mode: Literal["demo", "live"],
        *,
        note: str | None = None,
        max_position: str | None = None,
        max_leverage: int | None = None,
        max_daily_loss: str | None = None,
        once: str | None = None,
    ) -> TransferOutcome:
        """Limits of every account while the venue is in a mode."""
        told: TransferOutcome = await self._transport.ask(
            "PUT",
            f"/api/v1/admin/venue/limits/{part(mode)}",
            body={
                **given(
                    {
                        "note": note,
                        "max_position": max_position,
                        "max_leverage": max_leverage,
                        "max_daily_loss": max_daily_loss,
                    }
                )
            },
            once=once,
        )
        return told

    async def admin_terms(
        self, *, whose: str | None = None, before: str | None = None, limit: int | None = None
    ) -> TermsPage:
        """Accounts for which an operator has decided something."""
        told: TermsPage = await self._transport.ask(
            "GET", "/api/v1/admin/terms", {"whose": whose, "before": before, "limit": limit}
        )
        return told

    async def set_terms(
        self,
        whose: str,
        *,
        note: str | None = None,
        tier: str | None = None,
        standing: Literal["active", "reduce_only", "suspended"] | None = None,
        once: str | None = None,
    ) -> TransferOutcome:
        """Put an account into a tier of order caps, or restrict it."""
        told: TransferOutcome = await self._transport.ask(
            "PUT",
            f"/api/v1/admin/terms/{part(whose)}",
            body={**given({"note": note, "tier": tier, "standing": standing})},
            once=once,
        )
        return told

    async def admin_alerts(
        self, *, whose: str | None = None, before: int | None = None, limit: int | None = None
    ) -> AnsweredAlerts:
        """The venue's newest alerts with what was answered to them."""
        told: AnsweredAlerts = await self._transport.ask(
            "GET", "/api/v1/admin/alerts", {"whose": whose, "before": before, "limit": limit}
        )
        return told

    async def answer_venue_alert(
        self,
        whose: str,
        alert: int,
        *,
        answer: Literal["acknowledge", "resolve"],
        note: str | None = None,
        once: str | None = None,
    ) -> TransferOutcome:
        """Acknowledge or resolve an alert for the venue."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/admin/alerts/{part(whose)}/{part(alert)}/answers",
            body={"answer": answer, **given({"note": note})},
            once=once,
        )
        return told

    async def admin_people(
        self, *, wanted: str | None = None, before: int | None = None, limit: int | None = None
    ) -> PeoplePage:
        """People by id, username, wallet or referral code; the newest without a word."""
        told: PeoplePage = await self._transport.ask(
            "GET", "/api/v1/admin/people", {"wanted": wanted, "before": before, "limit": limit}
        )
        return told

    async def change_person(
        self,
        user: str,
        *,
        note: str | None = None,
        tier: Literal["free", "basic", "pro", "enterprise"] | None = None,
        kyc: Literal["none", "pending", "verified", "refused"] | None = None,
        risk: Literal["low", "normal", "high", "blocked"] | None = None,
        status: Literal["active", "suspended", "closed"] | None = None,
        venue: bool | None = None,
        once: str | None = None,
    ) -> PersonLine:
        """Change a person's tier, KYC, risk state or standing."""
        told: PersonLine = await self._transport.ask(
            "PATCH",
            f"/api/v1/admin/people/{part(user)}",
            body={**given({"note": note, "tier": tier, "kyc": kyc, "risk": risk, "status": status, "venue": venue})},
            once=once,
        )
        return told

    async def admin_rules(self) -> RuleList:
        """Alert rules, how many alerts of each hold, and its last."""
        told: RuleList = await self._transport.ask("GET", "/api/v1/admin/rules")
        return told

    async def admin_rule_figures(self) -> RuleFigures:
        """What a rule may name: figures of an account, a position or a market, with units."""
        told: RuleFigures = await self._transport.ask("GET", "/api/v1/admin/rule-figures")
        return told

    async def admin_rule(self, name: str) -> RuleView:
        """One alert rule."""
        told: RuleView = await self._transport.ask("GET", f"/api/v1/admin/rules/{part(name)}")
        return told

    async def set_rule(
        self, name: str, *, rule: RuleTerms, note: str | None = None, once: str | None = None
    ) -> TransferOutcome:
        """Watch by a rule from here on; one of the same name is replaced."""
        told: TransferOutcome = await self._transport.ask(
            "PUT", f"/api/v1/admin/rules/{part(name)}", body={"rule": rule, **given({"note": note})}, once=once
        )
        return told

    async def remove_rule(self, name: str, *, note: str | None = None, once: str | None = None) -> TransferOutcome:
        """Watch by a rule no longer; its alerts that hold are resolved."""
        told: TransferOutcome = await self._transport.ask(
            "DELETE", f"/api/v1/admin/rules/{part(name)}", {"note": note}, once=once
        )
        return told

    async def admin_usage(self, *, whose: str | None = None, days: int | None = None) -> VenueUsage:
        """Everybody's requests, or a person's, and what came from the cache."""
        told: VenueUsage = await self._transport.ask("GET", "/api/v1/admin/usage", {"whose": whose, "days": days})
        return told

    async def admin_requests(
        self,
        *,
        whose: str | None = None,
        failed: bool | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> RequestPage:
        """Everybody's requests one by one, or a person's, newest first."""
        told: RequestPage = await self._transport.ask(
            "GET", "/api/v1/admin/requests", {"whose": whose, "failed": failed, "before": before, "limit": limit}
        )
        return told
