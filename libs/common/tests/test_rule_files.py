"""A rule's file is refused as a compiler refuses: file, line, column, reason."""

from pathlib import Path

import pytest
from cleartide.ops.rules import RuleFileError, figures, read_rule_file
from cleartide.rules.alerting import FIGURES

GOOD = """# what it is for
name = "thin"
each = "position"
markets = ["BTC-PERP"]
when = "equity < 50 and position_notional > 1_000"
cooldown_seconds = 60
"""


@pytest.mark.parametrize(
    ("old", "new", "place", "why"),
    [
        ("equity < 50", "equty < 50", (5, 9), "when: unknown figure 'equty': did you mean 'equity'?"),
        ("> 1_000", "> leverage", (5, 43), "quote and ratio do not go together"),
        ("cooldown_seconds = 60", "cooldown_seconds = -1", (6, 1), "greater than or equal to 0"),
        ("cooldown_seconds = 60", "cooldown = 60", (6, 1), "cooldown: Extra inputs are not permitted"),
        ('"position"', '"order"', (3, 1), "each: Input should be"),
        ('each = "position"\n', "", (1, 1), "each: Field required"),
        ('"position"', '"account"', (4, 1), "markets: an account has no market"),
        ('"thin"', "thin", (2, 8), "Invalid value"),
        ("name", "\x00", (2, 1), "Invalid"),
        ("60", "1" * 20_000, (1, 1), "longer than"),
    ],
)
def test_a_file_is_refused_where_it_is_wrong(
    tmp_path: Path, old: str, new: str, place: tuple[int, int], why: str
) -> None:
    """RULE-COND-005"""
    path = tmp_path / "rule.toml"
    path.write_text(GOOD)
    assert read_rule_file(path).cooldown_seconds == 60
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(RuleFileError) as refused:
        read_rule_file(path)
    assert (refused.value.line, refused.value.column) == place, refused.value
    assert why in str(refused.value)
    assert str(refused.value).startswith(f"{path}:{place[0]}:{place[1]}: ")


def test_what_may_be_named_is_listed_once() -> None:
    """RULE-COND-005: every figure, with its unit."""
    names = [line.split()[1] for line in figures()]
    assert sorted(names) == sorted(FIGURES["account"].keys() | FIGURES["position"].keys() | FIGURES["market"].keys())
