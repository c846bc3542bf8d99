"""The dashboard's pages: what is a page's own, of `pages/`, in the one frame of all; made at start, packed once.

A page's file begins with lines `name: value` until an empty one: `title`, and where needed `class` (of the body),
`styles` and `note` (at the foot), `skip` (the first link's text) and `charts` (that it draws some). What follows is its
content. `/risk.html` runs `js/risk.js`. The browser is told early of one module, the charts', which is large: told of
all, it asks for them in the styles' way and first paints later.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

STATIC: Final = Path(__file__).parent.parent / "static"
OWN: Final = Path(__file__).parent.parent / "pages"
FRAME: Final = Template((OWN / "frame.html").read_text())
STYLES: Final = ("tokens", "base")
CHARTS: Final = "/vendor/lightweight-charts/lightweight-charts.standalone.production.mjs"
MAKER: Final = (
    'Charts: <a href="https://www.tradingview.com/" rel="noopener" target="_blank">TradingView Lightweight Charts™</a>'
    ' © 2026 TradingView, Inc. · <a href="/vendor/lightweight-charts/NOTICE">Notice</a>'
)


def framed(name: str) -> str:
    """A page whole, by its name without `.html`. KeyError when it has no title."""
    head, _, content = (OWN / f"{name}.html").read_text().partition("\n\n")
    own = dict(line.split(": ", 1) for line in head.splitlines())
    return FRAME.substitute(
        title=own["title"],
        kind=own.get("class", ""),
        skip=own.get("skip", "Skip to the figures"),
        styles="\n  ".join(_style(style) for style in (*STYLES, *own.get("styles", "").split())),
        name=name,
        early=f'\n  <link rel="modulepreload" href="{CHARTS}">' if "charts" in own else "",
        content=content.rstrip("\n"),
        note=MAKER if "charts" in own else own["note"],
    )


def whole() -> dict[str, str]:
    """Every page by its path."""
    names = sorted(path.stem for path in OWN.glob("*.html") if path.stem != "frame")
    found = {f"/{name}.html": framed(name) for name in names}
    return {"/": found["/index.html"], **found}


def _style(name: str) -> str:
    return f'<link rel="stylesheet" href="/css/{name}.css">'


@dataclass(frozen=True, slots=True)
class _Page:
    text: bytes
    packed: bytes
    tag: str


class Pages:
    """Answers with a page where there is one at the path, else asks the files."""

    def __init__(self, files: ASGIApp) -> None:
        self._files = files
        self._pages = {path: _page(text.encode()) for path, text in whole().items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        page = self._pages.get(scope["path"]) if scope.get("method") in ("GET", "HEAD") else None
        answer = self._files if page is None else _answer(page, Headers(scope=scope))
        await answer(scope, receive, send)


def _page(text: bytes) -> _Page:
    return _Page(text, gzip.compress(text, mtime=0), f'"{hashlib.sha256(text).hexdigest()[:32]}"')


def _answer(page: _Page, asked: Mapping[str, str]) -> Response:
    fields = {"ETag": page.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if page.tag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=fields)
    if "gzip" in asked.get("accept-encoding", ""):
        return Response(page.packed, headers={**fields, "Content-Encoding": "gzip"}, media_type="text/html")
    return Response(page.text, headers=fields, media_type="text/html")
