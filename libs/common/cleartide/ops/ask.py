"""`cleartide ask`: SQL over the archive that the environment names, or that of the stack of this folder."""

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from cleartide.ops.place import NoPlace, find_place
from cleartide.store.asking import Answer, ask
from cleartide.store.objects import ObjectStore, ObjectStoreError, open_store


async def ask_archive(arguments: argparse.Namespace) -> int:
    """Print the rows, and on standard error what they cost. The datasets are those that the SQL names."""
    store = archive()
    last = arguments.to or datetime.now(UTC).date()
    first = arguments.since or last - timedelta(days=30)
    answer = await ask(store, arguments.sql, await _named(store, arguments.sql, (first, last)))
    for line in _lines(answer, as_json=arguments.json):
        print(line)
    cost = f"{answer.fetched:,} of {answer.stored:,} bytes in {answer.ranges} requests"
    print(f"{len(answer.rows)} rows, {cost if answer.ranges else 'from a folder'}", file=sys.stderr)
    return 0


def archive(environment: Mapping[str, str] = os.environ) -> ObjectStore:
    """The archive that the environment names, else that of the stack of this folder. Raises NoPlace."""
    if address := environment.get("CLEARTIDE_ARCHIVE_ADDRESS"):
        key, secret = (environment.get(f"CLEARTIDE_ARCHIVE_{name}", "") for name in ("KEY", "SECRET"))
        return open_store(address, key, secret)
    home = find_place(environment).home
    if home is None:
        raise NoPlace("no archive found: start a system with `make up`, or set CLEARTIDE_ARCHIVE_ADDRESS")
    return open_store(str(home / "data" / "archive"))


async def _named(store: ObjectStore, sql: str, days: tuple[date, date]) -> dict[str, tuple[date, date]]:
    datasets = {key.partition("/")[0] for key in await store.keys("")}
    if not datasets:
        raise ObjectStoreError("the archive is empty: days come CLEARTIDE_ARCHIVE_AFTER_HOURS after their end, in UTC")
    named = datasets & set(re.findall(r"\w+", sql))
    if not named:
        raise ObjectStoreError(f"the SQL names no dataset; there is {', '.join(sorted(datasets))}")
    return dict.fromkeys(sorted(named), days)


def _lines(answer: Answer, *, as_json: bool) -> list[str]:
    if as_json:
        return [json.dumps(dict(zip(answer.columns, row, strict=True)), default=str) for row in answer.rows]
    return ["\t".join(answer.columns), *("\t".join(map(str, row)) for row in answer.rows)]
