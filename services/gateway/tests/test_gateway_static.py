"""The dashboard's files: nothing from elsewhere, nothing inline, every import there, vendored files untouched."""

import base64
import gzip
import hashlib
import re
from pathlib import Path

import pytest

from services.gateway.edge.pages import OWN as FOLDER
from services.gateway.edge.pages import STATIC, whole
from services.gateway.edge.security import CHART_STYLE_DIGEST, CONTENT_SECURITY_POLICY
from services.gateway.tests.support import running_edge
from tests.support.installation import Installation

VENDOR = STATIC / "vendor" / "lightweight-charts"
BUILD = VENDOR / "lightweight-charts.standalone.production.mjs"
CHECKSUMS = {
    "LICENSE": "70c9d5382506dd184465425c08a99ad9bd6d9ac1313c252968ba0b585e5ef823",
    BUILD.name: "1bb1ee79f9d4dd17261b53d930f7a8995748276f80e7ba0e24412b5068062f5f",
}
PAGES = whole()
OWN = sorted(path for path in STATIC.rglob("*.js") if "vendor" not in path.parts)
_IMPORT = re.compile(r"""^import\s[^"']*["']([^"']+)["']|\bimport\(["']([^"']+)["']\)""", re.MULTILINE)
_FETCHED = re.compile(r'<(?:link|script)\b[^>]*(?:href|src)="/([^"]+)"')
_EXPORT = re.compile(r"^export (?:async )?(?:function|class|const|let) ([\w$]+)", re.MULTILINE)
_NAMES = re.compile(r"""^import\s*\{([^}]*)\}\s*from\s*["']([^"']+)["']""", re.MULTILINE)


def resolved(importer: Path, target: str) -> Path:
    """The file that an import names; only paths of this site are allowed."""
    assert target.startswith(("./", "../", "/")), f"{importer.name} imports {target} from elsewhere"
    base = STATIC if target.startswith("/") else importer.parent
    return (base / target.lstrip("/")).resolve() if target.startswith("/") else (base / target).resolve()


@pytest.mark.parametrize("name", CHECKSUMS)
def test_vendored_files_are_what_was_published(name: str) -> None:
    """GW-UI-001: the chart library and its licence are as published, byte for byte."""
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == CHECKSUMS[name]


def test_the_chart_library_is_attributed() -> None:
    """GW-UI-002: the chart library's notice is served, its maker named and linked, its logo shown."""
    notice, page = (VENDOR / "NOTICE").read_text(), PAGES["/"]
    assert "TradingView Lightweight Charts™ 5.2.1" in notice
    assert "https://www.tradingview.com/" in page
    assert "/vendor/lightweight-charts/NOTICE" in page
    assert all("attributionLogo" not in path.read_text() for path in OWN)


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_every_import_resolves(path: Path) -> None:
    """GW-UI-003: each imported file exists on this site, and each imported name is exported there."""
    text = path.read_text()
    for match in _IMPORT.finditer(text):
        assert resolved(path, match[1] or match[2]).is_file(), f"{path.name} imports {match[1] or match[2]}"
    for names, target in _NAMES.findall(text):
        if "/vendor/" not in target:
            exported = set(_EXPORT.findall(resolved(path, target).read_text()))
            assert {name.strip() for name in names.split(",") if name.strip()} <= exported


def test_every_module_is_used() -> None:
    """GW-UI-004: every module is used."""
    used = {resolved(path, match[1] or match[2]) for path in OWN for match in _IMPORT.finditer(path.read_text())}
    page = "".join(PAGES.values())
    assert [path.name for path in OWN if path not in used and f"/{path.relative_to(STATIC)}" not in page] == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_nothing_inline_and_nothing_foreign(path: str) -> None:
    """GW-UI-005: a page has no script or style in it and loads nothing from elsewhere."""
    page = PAGES[path]
    assert re.findall(r"<script(?![^>]*\bsrc=\"/)", page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []
    loaded = re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=\"([^\"]+)\"", page)
    assert loaded
    assert all(target.startswith("/") and (STATIC / target[1:]).is_file() for target in loaded)
    for own in OWN:
        assert "innerHTML" not in own.read_text(), f"{own.name}: text must enter as text"


def test_the_policy_allows_the_charts_own_style_by_digest_alone() -> None:
    """GW-UI-006: the one style element that the chart library adds is allowed by its digest, no other inline style."""
    [style] = re.findall(r'createElement\("style"\),\w+\.\w+\.innerText="([^"]*)"', BUILD.read_text())
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"sha256-{digest}" == CHART_STYLE_DIGEST
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY


async def test_the_page_is_served_under_the_policy(installed: Installation) -> None:
    """GW-UI-007: strict headers on the page, on files and on answers of the API; modules have a script's type."""
    async with running_edge(installed) as edge:
        for path, kind in (
            ("/", "text/html"),
            ("/js/index.js", "text/javascript"),
            (f"/vendor/lightweight-charts/{BUILD.name}", "text/javascript"),
            ("/css/base.css", "text/css"),
            ("/api/v1/alerts", "application/json"),
            ("/nothing", "application/json"),
        ):
            async with edge.http.get(f"{edge.url}{path}") as response:
                assert response.headers["Content-Type"].startswith(kind), path
                assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert response.headers["X-Frame-Options"] == "DENY"


def _loaded(targets: set[Path]) -> set[Path]:
    """Files and, in turn, everything that a browser fetches because of them, at once or later."""
    seen: set[Path] = set()
    while targets - seen:
        path = (targets - seen).pop()
        seen.add(path)
        if path.suffix == ".js":
            found = (match.group(match.lastindex or 0) for match in _IMPORT.finditer(path.read_text()))
            targets = targets | {resolved(path, target) for target in found}
    return seen


@pytest.mark.parametrize("path", PAGES)
def test_what_a_page_loads_is_small(path: str) -> None:
    """GW-UI-008: whatever page comes first, its files stay under 110 kB compressed, without charts 25 kB; of everything
    that it ever loads, whoever is signed in.
    """
    files = _loaded({STATIC / found for found in _FETCHED.findall(PAGES[path])})
    assert {file.suffix for file in files} >= {".css", ".js"}
    assert "use.js" in {file.name for file in files}
    bound = 110_000 if BUILD in files else 25_000
    assert (
        sum(len(gzip.compress(one)) for one in (PAGES[path].encode(), *(file.read_bytes() for file in files))) < bound
    )


async def test_a_page_is_sent_once_and_packed(installed: Installation) -> None:
    """GW-UI-014: a page is asked for again by its mark, is sent packed to whom takes it, and never as its bare part."""
    async with running_edge(installed) as edge:
        async with edge.http.get(f"{edge.url}/risk.html") as answer:
            assert (await answer.text()) == PAGES["/risk.html"]
            assert answer.headers["Content-Encoding"] == "gzip"
            mark = {"If-None-Match": answer.headers["ETag"]}
        async with edge.http.get(f"{edge.url}/risk.html", headers=mark) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
        async with edge.http.head(f"{edge.url}/risk.html", headers={"Accept-Encoding": "identity"}) as answer:
            assert int(answer.headers["Content-Length"]) == len(PAGES["/risk.html"].encode())
        for path in ("/frame.html", "/pages/risk.html", "/nothing.html"):
            async with edge.http.get(f"{edge.url}{path}") as answer:
                assert answer.status == 404


def test_every_page_is_looked_at() -> None:
    """GW-UI-016: each page has a test in a browser that keeps a picture of it."""
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
    kept = re.findall(r'\.keep\(f?"([a-z-]+)', tests)
    assert [path for path in PAGES if not any(name.startswith(path[1:-5] or "index") for name in kept)] == []


def test_the_frame_is_written_once() -> None:
    """GW-UI-015: no page brings a head, styles, scripts or a foot of its own."""
    for path in FOLDER.glob("*.html"):
        if path.name != "frame.html":
            assert re.findall(r"<(?:head|link|script|footer|title|body)\b", path.read_text()) == [], path.name


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_is_readable_in_light_and_dark() -> None:
    """GW-UI-009: every text colour has a contrast of at least 4.5 on what it stands on, in both themes."""
    tokens = dict(re.findall(r"--([\w-]+): light-dark\((#\w+, #\w+)\);", (STATIC / "css/tokens.css").read_text()))
    levels = ("watch", "warning", "critical", "liquidatable", "resolved")
    pairs = [(ink, ground) for ink in ("ink", "ink-2", "ink-3") for ground in ("surface", "ground", "raised")]
    pairs += [(ink, "surface") for ink in ("accent", "up", "down", *levels)]
    pairs += [(level, f"{level}-soft") for level in levels] + [("accent", "accent-soft"), ("ink-3", "hover")]
    for theme in (0, 1):
        for ink, ground in pairs:
            light, dark = (_luminance(tokens[name].split(", ")[theme]) for name in (ink, ground))
            contrast = (max(light, dark) + 0.05) / (min(light, dark) + 0.05)
            assert contrast >= 4.5, f"{ink} on {ground}: {contrast:.2f}"
