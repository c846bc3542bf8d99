"""When two processes may share a state: the same source, the same settings."""

from pathlib import Path

import pytest
from cleartide.service.fingerprint import fingerprint


@pytest.fixture
def service(tmp_path: Path) -> Path:
    """A service's folder."""
    (tmp_path / "domain").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "handlers.py").write_text("A = 1\n")
    (tmp_path / "domain" / "rules.py").write_text("B = 2\n")
    return tmp_path


def test_the_same_service_has_the_same_fingerprint_anywhere(service: Path) -> None:
    """Whatever says where a process is, or how it talks, does not count; nor do tests and texts."""
    here = fingerprint(service, {})
    (service / "tests" / "test_rules.py").write_text("C = 3\n")
    (service / "README.md").write_text("words")
    elsewhere = {
        "PATH": "/bin",
        "CLEARTIDE_HTTP_PORT": "9",
        "CLEARTIDE_POSTGRES_DSN": "postgresql://elsewhere",
        "CLEARTIDE_GATEWAY_PORT": "8",
        "CLEARTIDE_SERVICE_URLS": "{}",
        "CLEARTIDE_LOG_LEVEL": "debug",
        "CLEARTIDE_CRASH_AT": "after_fold:1",
    }
    assert fingerprint(service, elsewhere) == here


@pytest.mark.parametrize("path", ["handlers.py", "domain/rules.py", "domain/new.py"])
def test_another_line_of_source_is_another_fold(service: Path, path: str) -> None:
    before = fingerprint(service, {})
    (service / path).write_text("B = 3\n")
    assert fingerprint(service, {}) != before


def test_a_file_of_another_name_is_another_fold(service: Path) -> None:
    before = fingerprint(service, {})
    (service / "domain" / "rules.py").rename(service / "domain" / "margin.py")
    assert fingerprint(service, {}) != before


def test_another_setting_is_another_fold(service: Path) -> None:
    hourly, daily = ({"CLEARTIDE_FUNDING_INTERVAL_SECONDS": seconds} for seconds in ("3600", "86400"))
    assert fingerprint(service, hourly) != fingerprint(service, daily)
