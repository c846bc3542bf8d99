"""Raw frames: what came is there again, digit for digit, also after a kill."""

from pathlib import Path

import pytest

from services.ingestor.adapters.venues.binance import UsdmCore
from services.ingestor.tests.rig import first_lines
from services.ingestor.tests.support import BTCUSDT
from services.ingestor.transport.raw import SUFFIX, RawLog, frames

pytest.importorskip("zstandard", reason="`make tools` installs it")
DAY = 86_400_000_000
START = 19_943 * DAY + DAY - 500


def captured(count: int) -> list[bytes]:
    return [line.raw for line in first_lines(3_999).lines[:count]]


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob(f"*{SUFFIX}"))


def test_frames_are_there_again_a_file_a_day(tmp_path: Path) -> None:
    """ING-RAW-001"""
    raw, kept = RawLog(tmp_path, "binance-usdm"), []
    for number, data in enumerate(captured(1_000)):
        kept.append((START + number, data))
        raw.keep(data if number % 2 else data.decode(), START + number)
    raw.close()
    found = files(tmp_path / "binance-usdm")
    assert [path.parent.name for path in found] == ["2024-08-08", "2024-08-09"]
    assert [pair for path in found for pair in frames(path)] == kept
    assert sum(path.stat().st_size for path in found) < sum(len(data) for _, data in kept) / 4


def test_after_a_kill_what_was_pushed_out_can_be_read(tmp_path: Path) -> None:
    """ING-RAW-002"""
    raw = RawLog(tmp_path, "binance-usdm")
    lines = captured(400)
    for number, data in enumerate(lines[:200]):
        raw.keep(data, START - DAY // 2 + number)
    raw._push_at = 0.0
    raw.keep(lines[200], START)
    (path,) = files(tmp_path)
    assert [data for _, data in frames(path)] == lines[:201]
    path.write_bytes(path.read_bytes()[:-7])
    cut = [data for _, data in frames(path)]
    assert cut == lines[: len(cut)]
    raw.close()


def test_a_core_that_is_given_the_raw_frames_says_the_same(tmp_path: Path) -> None:
    """ING-RAW-003"""
    raw, first, again = RawLog(tmp_path, "binance-usdm"), UsdmCore([BTCUSDT]), UsdmCore([BTCUSDT])
    said = []
    for number, data in enumerate(captured(1_000)):
        raw.keep(data, START - DAY // 2 + number)
        said += first.frame(data, START - DAY // 2 + number)
    raw.close()
    (path,) = files(tmp_path)
    assert len(said) > 500
    assert [event for at, data in frames(path) for event in again.frame(data, at)] == said


def test_a_disk_that_takes_nothing_costs_no_more_than_the_frames(tmp_path: Path) -> None:
    """ING-RAW-004"""
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    raw = RawLog(blocked, "binance-usdm")
    for data in captured(3):
        raw.keep(data, START)
    assert raw.lost == 3
