"""One account: money, positions, risk, alerts, earnings.

Written by `make client` from the API's document: do not edit.
"""

from typing import Any, Literal

from cleartide.rest.transport import Json, Transport, given, part


class AccountOperations:
    """One account: money, positions, risk, alerts, earnings."""

    _transport: Transport

    async def positions(
        self,
        *,
        account: str | None = None,
        limit: int | None = None,
        order: Literal["health"] | None = None,
        after: int | None = None,
    ) -> Json:
        """Open positions, those of the least healthy account first."""
        told: Json = await self._transport.ask(
            "GET", "/api/v1/positions", {"account": account, "limit": limit, "order": order}, after=after
        )
        return told

    async def account(self, account: str, *, after: int | None = None) -> Json:
        """One account: equity, margin, health factor, positions and orders."""
        told: Json = await self._transport.ask("GET", f"/api/v1/accounts/{part(account)}", after=after)
        return told

    async def liquidations(
        self,
        *,
        market: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        after: int | None = None,
    ) -> Json:
        """The newest liquidation steps, newest first."""
        told: Json = await self._transport.ask(
            "GET", "/api/v1/liquidations", {"market": market, "before": before, "limit": limit}, after=after
        )
        return told

    async def earnings(self, account: str, *, limit: int | None = None, after: int | None = None) -> Json:
        """One account's earnings: now, since its first day, and by day."""
        told: Json = await self._transport.ask(
            "GET", f"/api/v1/earnings/{part(account)}", {"limit": limit}, after=after
        )
        return told

    async def account_margin(self, account: str, *, after: int | None = None) -> Json:
        """Margin, collateral by asset, and liquidation prices."""
        told: Json = await self._transport.ask("GET", f"/api/v1/accounts/{part(account)}/margin", after=after)
        return told

    async def account_transfers(
        self,
        account: str,
        *,
        asset: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        after: int | None = None,
    ) -> Json:
        """What came, went and moved without a trade, newest first."""
        told: Json = await self._transport.ask(
            "GET",
            f"/api/v1/accounts/{part(account)}/transfers",
            {"asset": asset, "before": before, "limit": limit},
            after=after,
        )
        return told

    async def transfer(
        self, account: str, *, to_account: str, amount: str, asset: str | None = None, once: str | None = None
    ) -> Json:
        """Move an amount within the family."""
        told: Json = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/transfers",
            body={"to_account": to_account, "amount": amount, **given({"asset": asset})},
            once=once,
        )
        return told

    async def open_transfers(self, account: str, *, after: int | None = None) -> Json:
        """Deposits to be confirmed, withdrawals yet to leave."""
        told: Json = await self._transport.ask("GET", f"/api/v1/accounts/{part(account)}/transfers/open", after=after)
        return told

    async def account_fees(self, account: str, *, after: int | None = None) -> Json:
        """An account's rates, the volume that decides them, its referrals."""
        told: Json = await self._transport.ask("GET", f"/api/v1/accounts/{part(account)}/fees", after=after)
        return told

    async def request_withdrawal(
        self, account: str, *, amount: str, destination: str, asset: str | None = None, once: str | None = None
    ) -> Json:
        """Ask for an amount to be paid out."""
        told: Json = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/withdrawals",
            body={"amount": amount, "destination": destination, **given({"asset": asset})},
            once=once,
        )
        return told

    async def cancel_withdrawal(self, account: str, withdrawal: int, *, once: str | None = None) -> Json:
        """Take back a withdrawal not yet begun."""
        told: Json = await self._transport.ask(
            "DELETE", f"/api/v1/accounts/{part(account)}/withdrawals/{part(withdrawal)}", once=once
        )
        return told

    async def account_ledger(
        self, account: str, *, before: int | None = None, limit: int | None = None, after: int | None = None
    ) -> Json:
        """Every entry of the account's books, newest first."""
        told: Json = await self._transport.ask(
            "GET", f"/api/v1/accounts/{part(account)}/ledger", {"before": before, "limit": limit}, after=after
        )
        return told

    async def account_limits(self, account: str, *, after: int | None = None) -> Json:
        """The account's own limits, and the alerts about it that hold."""
        told: Json = await self._transport.ask("GET", f"/api/v1/accounts/{part(account)}/limits", after=after)
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
    ) -> Json:
        """Set all limits at which the account is alerted."""
        told: Json = await self._transport.ask(
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

    async def account_tail(self, account: str, *, after: int | None = None) -> Json:
        """Value at risk and expected shortfall, from past hours and days."""
        told: Json = await self._transport.ask("GET", f"/api/v1/accounts/{part(account)}/tail", after=after)
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
    ) -> Json:
        """The account's margin once an order has filled."""
        told: Json = await self._transport.ask(
            "GET",
            f"/api/v1/accounts/{part(account)}/what-if/order",
            {"market": market, "side": side, "size": size, "price": price},
            after=after,
        )
        return told

    async def account_what_if_prices(
        self, account: str, *, percent: str, market: str | None = None, after: int | None = None
    ) -> Json:
        """The account's margin when one market or all move."""
        told: Json = await self._transport.ask(
            "GET",
            f"/api/v1/accounts/{part(account)}/what-if/prices",
            {"percent": percent, "market": market},
            after=after,
        )
        return told

    async def account_deleveraging(self, account: str, *, after: int | None = None) -> Json:
        """How soon each position would be deleveraged: 1 to 5 lamps."""
        told: Json = await self._transport.ask("GET", f"/api/v1/accounts/{part(account)}/deleveraging", after=after)
        return told

    async def account_funding(
        self,
        account: str,
        *,
        market: str | None = None,
        before: int | None = None,
        limit: int | None = None,
        after: int | None = None,
    ) -> Json:
        """What an account paid and was paid as funding, newest first."""
        told: Json = await self._transport.ask(
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
        account: str | None = None,
        limit: int | None = None,
        after: int | None = None,
    ) -> Json:
        """Alerts after a sequence number, or the newest."""
        told: Json = await self._transport.ask(
            "GET", "/api/v1/alerts", {"after_seq": after_seq, "account": account, "limit": limit}, after=after
        )
        return told

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
    ) -> Any:
        """An account's UTC days, newest first: by source."""
        return await self._transport.ask(
            "GET",
            f"/api/v1/accounts/{part(account)}/days",
            {"limit": limit, "from_day": from_day, "to_day": to_day, "before": before, "format": format},
            after=after,
        )

    async def account_portfolio(
        self, account: str, *, days: int | None = None, risk_free: str | None = None, after: int | None = None
    ) -> Json:
        """What an account holds, gained by source, and its ratios."""
        told: Json = await self._transport.ask(
            "GET", f"/api/v1/accounts/{part(account)}/portfolio", {"days": days, "risk_free": risk_free}, after=after
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
    ) -> Json:
        """Let another act for an account of mine."""
        told: Json = await self._transport.ask(
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

    async def revoke_delegate(self, account: str, delegate: str, *, once: str | None = None) -> Json:
        """Take every right back from a delegate."""
        told: Json = await self._transport.ask(
            "DELETE", f"/api/v1/accounts/{part(account)}/delegates/{part(delegate)}", once=once
        )
        return told

    async def account_alerts(
        self, account: str, *, after: int | None = None, before: int | None = None, limit: int | None = None
    ) -> Json:
        """The account's alerts with what was answered: after one, or the newest."""
        told: Json = await self._transport.ask(
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
    ) -> Json:
        """Acknowledge or resolve an alert of the account."""
        told: Json = await self._transport.ask(
            "POST",
            f"/api/v1/accounts/{part(account)}/alerts/{part(alert)}/answers",
            body={"answer": answer, **given({"note": note})},
            once=once,
        )
        return told

    async def earnings_days(
        self,
        account: str,
        *,
        month: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> Any:
        """An owner's days, trading and yield in one form, newest first."""
        return await self._transport.ask(
            "GET",
            f"/api/v1/earnings/{part(account)}/days",
            {"month": month, "before": before, "limit": limit, "format": format},
            after=after,
        )

    async def earnings_days_csv(
        self, account: str, *, month: str | None = None, limit: int | None = None, after: int | None = None
    ) -> str:
        """The same as a file."""
        told: str = await self._transport.ask(
            "GET", f"/api/v1/earnings/{part(account)}/days.csv", {"month": month, "limit": limit}, after=after
        )
        return told

    async def earnings_months(
        self,
        account: str,
        *,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> Any:
        """An owner's months: balances, flows, earnings, APR and APY."""
        return await self._transport.ask(
            "GET", f"/api/v1/earnings/{part(account)}/months", {"limit": limit, "format": format}, after=after
        )

    async def earnings_months_csv(self, account: str, *, limit: int | None = None, after: int | None = None) -> str:
        """The same as a file."""
        told: str = await self._transport.ask(
            "GET", f"/api/v1/earnings/{part(account)}/months.csv", {"limit": limit}, after=after
        )
        return told

    async def earnings_moves(
        self,
        account: str,
        *,
        before: int | None = None,
        limit: int | None = None,
        format: Literal["json", "csv", "parquet"] | None = None,
        after: int | None = None,
    ) -> Any:
        """An owner's events on chains, newest first."""
        return await self._transport.ask(
            "GET",
            f"/api/v1/earnings/{part(account)}/moves",
            {"before": before, "limit": limit, "format": format},
            after=after,
        )
