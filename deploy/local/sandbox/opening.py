"""Open the sandbox's markets and give their accounts collateral: `python -m deploy.local.sandbox.opening`.

Runs before the services: a market is then listed in the command stream before its first index price.
"""

import asyncio
import os
import time
from typing import Any, Final

from cleartide.bus.nats import ApiError, NatsBus
from cleartide.client import Client
from cleartide.connect import connected, nats_broker
from cleartide.contracts import FundInsurance, ListMarket, SetAccountTerms, SetOrderTier
from cleartide.contracts.vaults import VaultTerms
from cleartide.telemetry.logs import configure_logs
from nats.aio.client import Client as NatsClient

from deploy.local.markets import MARKETS, Market
from deploy.local.sandbox.market import INSURANCE, listed
from deploy.local.sandbox.population import (
    AT_WORK,
    HOLDERS,
    MAKER_DEPOSIT,
    MANAGER,
    TAKER_DEPOSIT,
    TAKERS,
    VAULT,
    makers,
)
from deploy.local.sandbox.trader import trader_url

MESSAGE_NOT_FOUND: Final = 10037
USER_CAPS: Final = {"per_minute": 10, "per_hour": 100, "per_day": 1_000}
VAULT_TERMS: Final = VaultTerms(
    withdraw_fee_bps=10, management_fee_bps=100, performance_fee_bps=1_000, capacity="100000", reserve_bps=1_000
)
PROGRAMS: Final = "maker"
"""The tier of the sandbox's own traders, who send orders all the time: it has no caps."""


async def run() -> None:
    """Connect as operator and as trader, and open."""
    environment = os.environ
    user, password = environment["CLEARTIDE_NATS_ADMIN_USER"], environment["CLEARTIDE_NATS_ADMIN_PASSWORD"]
    broker = nats_broker(environment["CLEARTIDE_NATS_URL"], user, password, "cleartide-sandbox-opening")
    try:
        async with Client.connect(trader_url(environment), source="sandbox") as trader:
            await open_markets(await connected(broker), trader)
    finally:
        await broker.stop()


async def open_markets(operator: NatsClient, trader: Client) -> None:
    """Publish the opening commands of every market, unless an earlier start has done it."""
    for market in MARKETS:
        if await _is_open(operator, market):
            continue
        await _operate(operator, ListMarket, f"list-{market.base}", spec=listed(market))
        await _operate(operator, FundInsurance, f"insurance-{market.base}", market=market.name, amount=INSURANCE)
        if market is MARKETS[0]:
            await _open_venue(operator, trader)
        # The makers come last, the first of them at the end: its deposit says that the whole opening was published.
        for account in reversed(makers(market)):
            await _admit(operator, account)
            await trader.deposit(account=account, amount=MAKER_DEPOSIT, transfer_id=f"open-{account}")


async def _open_venue(operator: NatsClient, trader: Client) -> None:
    """What all markets share: the caps of orders, the takers, the vault."""
    await _operate(operator, SetOrderTier, "users", tier="standard", **USER_CAPS)
    await _operate(operator, SetOrderTier, "programs", tier=PROGRAMS)
    for account in TAKERS:
        await _admit(operator, account)
        await trader.deposit(account=account, amount=TAKER_DEPOSIT, transfer_id=f"open-{account}")
    await _open_vault(trader)


async def _admit(operator: NatsClient, account: str) -> None:
    await _operate(operator, SetAccountTerms, f"terms-{account}", account=account, tier=PROGRAMS)


async def _open_vault(trader: Client) -> None:
    """A vault of the venue, three who have paid into it, and most of their money at its strategy's disposal."""
    await trader.create_vault(account=MANAGER, vault=VAULT, terms=VAULT_TERMS, request_id="open")
    for account, amount in HOLDERS.items():
        await trader.pay_into_vault(account=account, vault=VAULT, amount=amount, request_id=f"open-{account}")
    await trader.rebalance_vault(account=MANAGER, vault=VAULT, amount=AT_WORK, request_id="open")


async def _is_open(operator: NatsClient, market: Market) -> bool:
    told = {"last_by_subj": f"transfers.{makers(market)[0]}"}
    try:
        await NatsBus(operator).api("STREAM.MSG.GET.COMMANDS", told)
    except ApiError as error:
        if error.code != MESSAGE_NOT_FOUND:
            raise
        return False
    return True


async def _operate(operator: NatsClient, contract: Any, name: str, **body: Any) -> None:
    message = contract(id=f"sandbox-{name}", occurred_at=time.time_ns() // 1000, source="operator", **body)
    # lint: allow one-publish: the sandbox is a third party, and this is the client for third parties
    await Client(operator, "operator").publish(message)


if __name__ == "__main__":
    configure_logs("sandbox", os.environ.get("CLEARTIDE_LOG_LEVEL", "info"))
    asyncio.run(run())
