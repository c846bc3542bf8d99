"""Imported last of all by the process from which services are forked: what stands there by now stays for good.

The collector of a fork would otherwise go through all of it, again and again, and so write to every page that the forks
share.
"""

import gc

from services.gateway.edge.dispatch import Dispatch
from services.gateway.tests.answers import bare_api

Dispatch(bare_api())  # the gateway's checks of what routes take, which every edge shares
gc.collect()
gc.freeze()
