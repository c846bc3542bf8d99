"""Examples of the commands."""

from typing import Final

from cleartide.contracts.base import Message
from cleartide.contracts.commands import (
    Deposit,
    FundInsurance,
    IndexSource,
    LiquidateAccount,
    ListMarket,
    ReportTrade,
    SettleFunding,
    UpdateIndexPrice,
    Withdraw,
)
from cleartide.contracts.examples.story import FUNDED, HOUR, LIQUIDATED, MARKET, OPENED, SPEC, said, sent
from cleartide.contracts.orders import (
    AmendInstruction,
    AmendOrder,
    CancelAllOrders,
    CancelInstruction,
    CancelOrder,
    PlaceInstruction,
    PlaceOrder,
    SubmitOrders,
)

COMMAND_EXAMPLES: Final[tuple[Message, ...]] = (
    sent(ListMarket, "list-BTC-PERP", "operator", spec=SPEC),
    sent(FundInsurance, "fund-1", "operator", market=MARKET, amount="50000"),
    sent(Deposit, "deposit-1", "gateway", account="alice", asset="USDC", amount="100"),
    sent(Withdraw, "withdraw-1", "gateway", account="bob", asset="USDC", amount="12.5"),
    sent(
        PlaceOrder,
        "order-1",
        "gateway",
        account="alice",
        market=MARKET,
        client_order_id="alice-1",
        side="buy",
        order_type="limit",
        size="0.025",
        price="65000",
    ),
    sent(CancelOrder, "cancel-1", "gateway", account="alice", market=MARKET, client_order_id="alice-1"),
    sent(AmendOrder, "amend-1", "gateway", account="alice", market=MARKET, client_order_id="alice-2", price="64000"),
    sent(CancelAllOrders, "cancel-all-1", "gateway", account="alice"),
    sent(
        SubmitOrders,
        "batch-1",
        "gateway",
        account="alice",
        market=MARKET,
        instructions=(
            CancelInstruction(action="cancel", client_order_id="alice-2"),
            AmendInstruction(action="amend", client_order_id="alice-3", size="0.020"),
            PlaceInstruction(
                action="place", client_order_id="alice-4", side="buy", order_type="limit", size="0.010", price="63000"
            ),
        ),
    ),
    sent(
        ReportTrade,
        "fill-77",
        "dex-main",
        market=MARKET,
        trade_id="77",
        price="65000",
        size="0.025",
        buyer="carol",
        executed_at=OPENED,
    ),
    said(
        UpdateIndexPrice,
        "ingestor",
        "commands",
        7_200,
        LIQUIDATED,
        "binance-usdm:BTCUSDT:ticker:29960",
        market=MARKET,
        price="62650",
        sources=(IndexSource(venue="binance-usdm", price="62650", weight=1, age_micros=4_000),),
    ),
    said(
        LiquidateAccount,
        "risk",
        "commands",
        1,
        LIQUIDATED,
        "matching-events-51",
        account="alice",
        market=MARKET,
        equity="40.417675",
        maintenance_margin="46.987500",
        mark_price_ticks=626_500,
        observed_seq=51,
    ),
    said(
        SettleFunding,
        "funding",
        "commands",
        1,
        FUNDED,
        "matching-events-40",
        market=MARKET,
        interval_start=OPENED,
        interval_micros=HOUR,
        rate_ppb=12_500,
        samples=60,
    ),
)
