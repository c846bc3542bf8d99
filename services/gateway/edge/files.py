"""Rows as files: CSV and Parquet, with the figures of the JSON answer."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from cleartide.store.parquet import csv_text, parquet_bytes
from fastapi import Query
from starlette.responses import Response

Form = Annotated[Literal["json", "csv", "parquet"], Query(alias="format", description="csv and parquet: rows alone")]
_PARQUET: Final = "application/vnd.apache.parquet"


async def file_of(name: str, form: str, rows: Sequence[Mapping[str, Any]]) -> Response:
    """A file of that name and form. Rows have the same columns, those of the first; what one lacks is empty."""
    body = csv_text(rows).encode() if form == "csv" else await asyncio.to_thread(parquet_bytes, rows)
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(body, headers=headers, media_type="text/csv" if form == "csv" else _PARQUET)
