"""Follow risk alerts, from the first one on and without a gap: risk_alerts.py [AFTER]."""

import asyncio
import os
import sys

from cleartide.client import Client


async def main(after: int) -> None:
    async with Client.connect(os.environ["CLEARTIDE_URL"]) as client:
        async for alert in client.alerts(after_seq=after):
            print(alert.seq, alert.level, alert.account, alert.health_factor, flush=True)


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
