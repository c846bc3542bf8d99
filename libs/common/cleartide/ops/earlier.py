"""What a service knows from before the beginning of its input: carried over by a rebuild, row by row.

A stream that is kept for a time alone cannot give back what came before. Each table of such a service says which of its
rows that made (`Table.before`); triggers count the carried rows again, and what was said of them is carried as well.
"""

# ruff: noqa: S608 - names in this SQL are our declarations

from typing import Any, Final

import asyncpg

from cleartide.bus.ports import Progress
from cleartide.bus.streams import DEAD_LETTERS
from cleartide.service import Service
from cleartide.store.names import enter_schema, quoted

_ROWS: Final = "channel, first_seq, last_seq, subject, payload, traceparent"
_SAID: Final = "channel = $1 AND (convert_from(payload, 'UTF8')::jsonb ->> 'stream_seq')::bigint < $2"


def can_begin_later(service: Service) -> bool:
    """Whether every table of the fold knows which of its rows are older than a place of the input."""
    return all(table.before for table in service.repository.tables)


async def carry_over(
    admin: "asyncpg.Connection[Any]", service: Service, old: str, first: int, target: Progress
) -> None:
    """Fill a fresh schema as it was when the fold had come to the message before `first`; `old` is the former schema.

    Sequenced time begins anew with the first message: as the broker's clock goes forward, it is what it was.
    """
    source, last = quoted(old), min(first - 1, target.position)
    await enter_schema(admin, service.name)
    try:
        async with admin.transaction():
            for table in service.compared:
                if table.before:
                    columns = ", ".join(map(quoted, table.columns))
                    await admin.execute(
                        f"INSERT INTO {quoted(table.name)} ({columns}) SELECT {columns} "
                        f"FROM {source}.{quoted(table.name)} t WHERE {table.before.format(first=first, old=source)}"
                    )
            await admin.execute(
                f"INSERT INTO outbox ({_ROWS}) SELECT {_ROWS} FROM {source}.outbox WHERE {_SAID}",
                DEAD_LETTERS.name,
                first,
            )
            await admin.execute(
                "INSERT INTO outbox_position (channel, last_seq, published_seq) "
                "SELECT channel, max(last_seq), 0 FROM outbox GROUP BY channel"
            )
            await admin.execute(
                "UPDATE consumer_position SET position = $1, stream_seq = $1, stream_created = $2, at = $3",
                last,
                target.stream_created,
                target.at if last == target.position else 0,
            )
    finally:
        await admin.execute("RESET ROLE")
        await admin.execute("RESET search_path")
