"""Report a trade that was matched elsewhere: publish_trade.py MARKET TRADE_ID PRICE SIZE BUYER SELLER."""

import asyncio
import os
import sys

from cleartide.client import Client


async def main(market: str, trade_id: str, price: str, size: str, buyer: str, seller: str) -> None:
    async with Client.connect(os.environ["CLEARTIDE_URL"]) as client:
        receipt = await client.publish_trade(
            market=market, trade_id=trade_id, price=price, size=size, buyer=buyer, seller=seller
        )
        print(receipt.stream_seq)


asyncio.run(main(*sys.argv[1:7]))
