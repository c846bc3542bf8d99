"""One account: money, fees, positions, risk, alerts.

Written by `make client` from the API's document: do not edit.
"""

from typing import Literal, overload

from cleartide.answers.accounts import (
    AccountFees,
    AccountView,
    Deleveraging,
    FeeSchedules,
    FundingPayments,
    LiquidationPage,
    MarginView,
    OpenTransfers,
    PositionList,
    RevenuePage,
    TransferPage,
)
from cleartide.answers.analytics import AccountDays, Portfolio
from cleartide.answers.risk import AccountWatch, AnsweredAlerts, OrderWhatIf, PricesWhatIf, TailView
from cleartide.answers.shapes import AlertPage, LedgerPage, TransferOutcome
from cleartide.rest.transport import Transport, given, part


class AccountOperations:
    """One account: money, fees, positions, risk, alerts."""

    _transport: Transport

    async def positions(
        self,
        *,
        account: str | None = None,
        limit: int | None = None,
        order: Literal["health"] | None = None,
        after: int | None = None,
    ) -> PositionList:
        """Open positions, those of the least healthy account first."""
        told: PositionList = await self._transport.ask(
            "GET", "/api/v1/positions", {"account": account, "limit": limit, "order": order}, after=after
        )
        return told

    async def account(self, account: str, *, after: int | None = None) -> AccountView:
        """One account: equity, margin, health factor, positions and orders."""
        told: AccountView = await self._transport.ask("GET", f"/api/v1/accounts/{part(account)}", after=after)
        return told

    @overload
    async def liquidations(
        self,
        *,
        market: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> LiquidationPage: ...

    @overload
    async def liquidations(
        self,
        *,
        market: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def liquidations(
        self,
        *,
        market: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> LiquidationPage | str | bytes:
        """The newest liquidation steps, newest first."""
        told: LiquidationPage | str | bytes = await self._transport.ask(
            "GET",
            "/api/v1/liquidations",
            {"market": market, "before": before, "limit": limit, "format": format},
            after=after,
        )
        return told

    async def account_margin(self, account: str, *, after: int | None = None) -> MarginView:
        """Margin, collateral by asset, and liquidation prices."""
        told: MarginView = await self._transport.ask("GET", f"/api/v1/accounts/{part(account)}/margin", after=after)
        return told

    async def account_transfers(
        self,
        account: str,
        *,
        asset: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        after: int | None = None,
    ) -> TransferPage:
        """What came, went and moved without a trade, newest first."""
        told: TransferPage = await self._transport.ask(
            "GET",
            f"/api/v1/accounts/{part(account)}/transfers",
            {"asset": asset, "before": before, "limit": limit},
            after=after,
        )
        return told

    async def transfer(
        self, account: str, *, to_account: str, amount: str, asset: str | None = None, once: str | None = None
    ) -> TransferOutcome:
        """Move an amount within the family."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/transfers",
            body={"to_account": to_account, "amount": amount, **given({"asset": asset})},
            once=once,
        )
        return told

    async def open_transfers(self, account: str, *, after: int | None = None) -> OpenTransfers:
        """Deposits to be confirmed, withdrawals yet to leave."""
        told: OpenTransfers = await self._transport.ask(
            "GET", f"/api/v1/accounts/{part(account)}/transfers/open", after=after
        )
        return told

    async def account_fees(self, account: str, *, after: int | None = None) -> AccountFees:
        """An account's rates, the volume that decides them, its referrals."""
        told: AccountFees = await self._transport.ask("GET", f"/api/v1/accounts/{part(account)}/fees", after=after)
        return told

    async def fees(self, *, after: int | None = None) -> FeeSchedules:
        """Fee tiers by market, and the terms of referrals."""
        told: FeeSchedules = await self._transport.ask("GET", "/api/v1/fees", after=after)
        return told

    @overload
    async def fees_revenue(
        self,
        *,
        market: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> RevenuePage: ...

    @overload
    async def fees_revenue(
        self,
        *,
        market: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def fees_revenue(
        self,
        *,
        market: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> RevenuePage | str | bytes:
        """What the venue took and passed on, by day and market, newest first."""
        told: RevenuePage | str | bytes = await self._transport.ask(
            "GET",
            "/api/v1/fees/revenue",
            {"market": market, "before": before, "limit": limit, "format": format},
            after=after,
        )
        return told

    async def set_referrer(self, account: str, *, code: str, once: str | None = None) -> TransferOutcome:
        """Say by whose referral code this family came to the venue, once."""
        told: TransferOutcome = await self._transport.ask(
            "PUT", f"/api/v1/accounts/{part(account)}/referrer", body={"code": code}, once=once
        )
        return told

    async def claim_referral_rewards(self, account: str, *, once: str | None = None) -> TransferOutcome:
        """Have what others' fees have brought as referrer."""
        told: TransferOutcome = await self._transport.ask(
            "POST", f"/api/v1/accounts/{part(account)}/referrals/claims", once=once
        )
        return told

    async def request_withdrawal(
        self, account: str, *, amount: str, destination: str, asset: str | None = None, once: str | None = None
    ) -> TransferOutcome:
        """Ask for an amount to be paid out."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/withdrawals",
            body={"amount": amount, "destination": destination, **given({"asset": asset})},
            once=once,
        )
        return told

    async def cancel_withdrawal(self, account: str, withdrawal: int, *, once: str | None = None) -> TransferOutcome:
        """Take back a withdrawal not yet begun."""
        told: TransferOutcome = await self._transport.ask(
            "DELETE", f"/api/v1/accounts/{part(account)}/withdrawals/{part(withdrawal)}", once=once
        )
        return told

    async def account_ledger(
        self, account: str, *, before: int | None = None, limit: int | None = None, after: int | None = None
    ) -> LedgerPage:
        """Every entry of the account's books, newest first."""
        told: LedgerPage = await self._transport.ask(
            "GET", f"/api/v1/accounts/{part(account)}/ledger", {"before": before, "limit": limit}, after=after
        )
        return told

    async def account_limits(self, account: str, *, after: int | None = None) -> AccountWatch:
        """The account's own limits, and the alerts about it that hold."""
        told: AccountWatch = await self._transport.ask("GET", f"/api/v1/accounts/{part(account)}/limits", after=after)
        return told

    async def set_account_limits(
        self,
        account: str,
        *,
        max_position: str | None = None,
        max_leverage: int | None = None,
        max_daily_loss: str | None = None,
        max_drawdown: str | None = None,
        max_value_at_risk: str | None = None,
        once: str | None = None,
    ) -> TransferOutcome:
        """Set all limits at which the account is alerted."""
        told: TransferOutcome = await self._transport.ask(
            "PUT",
            f"/api/v1/accounts/{part(account)}/limits",
            body={
                **given(
                    {
                        "max_position": max_position,
                        "max_leverage": max_leverage,
                        "max_daily_loss": max_daily_loss,
                        "max_drawdown": max_drawdown,
                        "max_value_at_risk": max_value_at_risk,
                    }
                )
            },
            once=once,
        )
        return told

    async def account_tail(self, account: str, *, after: int | None = None) -> TailView:
        """Value at risk and expected shortfall, from past hours and days."""
        told: TailView = await self._transport.ask("GET", f"/api/v1/accounts/{part(account)}/tail", after=after)
        return told

    async def account_what_if_order(
        self,
        account: str,
        *,
        market: str,
        side: Literal["buy", "sell"],
        size: str,
        price: str | None = None,
        after: int | None = None,
    ) -> OrderWhatIf:
        """The account's margin once an order has filled."""
        told: OrderWhatIf = await self._transport.ask(
            "GET",
            f"/api/v1/accounts/{part(account)}/what-if/order",
            {"market": market, "side": side, "size": size, "price": price},
            after=after,
        )
        return told

    async def account_what_if_prices(
        self, account: str, *, percent: str, market: str | None = None, after: int | None = None
    ) -> PricesWhatIf:
        """The account's margin when one market or all move."""
        told: PricesWhatIf = await self._transport.ask(
            "GET",
            f"/api/v1/accounts/{part(account)}/what-if/prices",
            {"percent": percent, "market": market},
            after=after,
        )
        return told

    async def account_deleveraging(self, account: str, *, after: int | None = None) -> Deleveraging:
        """How soon each position would be deleveraged: 1 to 5 lamps."""
        told: Deleveraging = await self._transport.ask(
            "GET", f"/api/v1/accounts/{part(account)}/deleveraging", after=after
        )
        return told

    async def account_funding(
        self,
        account: str,
        *,
        market: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        after: int | None = None,
    ) -> FundingPayments:
        """What an account paid and was paid as funding, newest first."""
        told: FundingPayments = await self._transport.ask(
            "GET",
            f"/api/v1/accounts/{part(account)}/funding",
            {"market": market, "before": before, "limit": limit},
            after=after,
        )
        return told

    async def alerts(
        self,
        *,
        after_seq: int | None = None,
        before: int | None = None,
        account: str | None = None,
        level: Literal["watch", "warning", "critical", "liquidatable", "resolved"] | None = None,
        market: str | None = None,
        rule: str | None = None,
        limit: int | None = None,
        after: int | None = None,
    ) -> AlertPage:
        """Alerts after a sequence number, or the newest, or the newest before one."""
        told: AlertPage = await self._transport.ask(
            "GET",
            "/api/v1/alerts",
            {
                "after_seq": after_seq,
                "before": before,
                "account": account,
                "level": level,
                "market": market,
                "rule": rule,
                "limit": limit,
            },
            after=after,
        )
        return told

    @overload
    async def account_days(
        self,
        account: str,
        *,
        limit: int | None = None,
        from_day: int | None = None,
        to_day: int | None = None,
        before: int | None = None,
        format: Literal["json"] | None = None,
        after: int | None = None,
    ) -> AccountDays: ...

    @overload
    async def account_days(
        self,
        account: str,
        *,
        limit: int | None = None,
        from_day: int | None = None,
        to_day: int | None = None,
        before: int | None = None,
        format: Literal["csv", "parquet"],
        after: int | None = None,
    ) -> str | bytes: ...

    async def account_days(
        self,
        account: str,
        *,
        limit: int | None = None,
        from_day: int | None = None,
        to_day: int | None = None,
        before: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> AccountDays | str | bytes:
        """An account's UTC days, newest first: by source."""
        told: AccountDays | str | bytes = await self._transport.ask(
            "GET",
            f"/api/v1/accounts/{part(account)}/days",
            {"limit": limit, "from_day": from_day, "to_day": to_day, "before": before, "format": format},
            after=after,
        )
        return told

    @overload
    async def account_portfolio(
        self,
        account: str,
        *,
        days: int | None = None,
        risk_free: str | None = None,
        format: Literal["json"] | None = None,
        table: Literal["positions", "vaults", "windows", "ratios"] | None = None,
        after: int | None = None,
    ) -> Portfolio: ...

    @overload
    async def account_portfolio(
        self,
        account: str,
        *,
        days: int | None = None,
        risk_free: str | None = None,
        format: Literal["csv", "parquet"],
        table: Literal["positions", "vaults", "windows", "ratios"] | None = None,
        after: int | None = None,
    ) -> str | bytes: ...

    async def account_portfolio(
        self,
        account: str,
        *,
        days: int | None = None,
        risk_free: str | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        table: Literal["positions", "vaults", "windows", "ratios"] | None = None,
        after: int | None = None,
    ) -> Portfolio | str | bytes:
        """What an account holds, gained by source, and its ratios; each part as a file."""
        told: Portfolio | str | bytes = await self._transport.ask(
            "GET",
            f"/api/v1/accounts/{part(account)}/portfolio",
            {"days": days, "risk_free": risk_free, "format": format, "table": table},
            after=after,
        )
        return told

    async def grant_delegate(
        self,
        account: str,
        delegate: str,
        *,
        deposit: bool | None = None,
        trade: bool | None = None,
        cancel: bool | None = None,
        withdraw: bool | None = None,
        transfer: bool | None = None,
        once: str | None = None,
    ) -> TransferOutcome:
        """Let another act for an account of mine."""
        told: TransferOutcome = await self._transport.ask(
            "PUT",
            f"/api/v1/accounts/{part(account)}/delegates/{part(delegate)}",
            body={
                **given(
                    {"deposit": deposit, "trade": trade, "cancel": cancel, "withdraw": withdraw, "transfer": transfer}
                )
            },
            once=once,
        )
        return told

    async def revoke_delegate(self, account: str, delegate: str, *, once: str | None = None) -> TransferOutcome:
        """Take every right back from a delegate."""
        told: TransferOutcome = await self._transport.ask(
            "DELETE", f"/api/v1/accounts/{part(account)}/delegates/{part(delegate)}", once=once
        )
        return told

    async def account_alerts(
        self, account: str, *, after: int | None = None, before: int | None = None, limit: int | None = None
    ) -> AnsweredAlerts:
        """The account's alerts with what was answered: after one, or the newest."""
        told: AnsweredAlerts = await self._transport.ask(
            "GET", f"/api/v1/accounts/{part(account)}/alerts", {"after": after, "before": before, "limit": limit}
        )
        return told

    async def answer_alert(
        self,
        account: str,
        alert: int,
        *,
        answer: Literal["acknowledge", "resolve"],
        note: str | None = None,
        once: str | None = None,
    ) -> TransferOutcome:
        """Acknowledge or resolve an alert of the account."""
        told: TransferOutcome = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/alerts/{part(alert)}/answers",
            body={"answer": answer, **given({"note": note})},
            once=once,
        )
        return told
