"""A waiver names a rule that exists, gives its reason, and goes when what it excused is gone."""

from collections.abc import Sequence
from typing import Final

from tests.architecture import (
    test_acknowledgement,
    test_bounds,
    test_determinism,
    test_direction,
    test_docs,
    test_domain_purity,
    test_exact_money,
    test_furniture,
    test_hygiene,
    test_one_commit,
    test_own_schema,
    test_sizes,
)
from tests.architecture.lint import Lint
from tests.architecture.source import Source, paths, read

LINTS: Final[tuple[Lint, ...]] = (
    *test_acknowledgement.LINTS,
    *test_bounds.LINTS,
    *test_determinism.LINTS,
    *test_direction.LINTS,
    *test_docs.LINTS,
    test_domain_purity.LINT,
    test_exact_money.LINT,
    *test_furniture.LINTS,
    *test_hygiene.LINTS,
    *test_one_commit.LINTS,
    test_own_schema.LINT,
    *test_sizes.LINTS,
)


def unjustified(source: Source, lints: Sequence[Lint] = LINTS) -> list[str]:
    """The waivers of a file that excuse nothing: of no rule, without a reason, or left behind."""
    wrong = []
    for waiver in source.waivers:
        excused = [lint for lint in lints if lint.rule == waiver.rule]
        if not excused:
            wrong.append(f"{source.path}:{waiver.line}: there is no rule {waiver.rule}")
        elif not waiver.reason:
            wrong.append(f"{source.path}:{waiver.line}: {waiver.rule} is waived without a reason")
        elif not any(line == waiver.covers for lint in excused for line, _ in lint.raw(source)):
            wrong.append(f"{source.path}:{waiver.line}: {waiver.rule} is not broken there")
    return wrong


def test_every_lint_has_something_to_look_at() -> None:
    """A rule about a folder that was renamed would be kept by an empty tree."""
    assert [lint.rule for lint in LINTS if not any(lint.applies(path) for path in paths())] == []


def test_every_waiver_is_needed_and_gives_its_reason() -> None:
    assert [wrong for path in paths() for wrong in unjustified(read(path))] == []


def test_a_waiver_without_cause_is_found() -> None:
    """The first is in order, the others are not."""
    source = Source(
        "services/risk/feed.py",
        "a = deque()  # lint: allow bounded-queue: emptied each minute\n"
        "b = deque()  # lint: allow bounded-queue\n"
        "c = deque(maxlen=3)  # lint: allow bounded-queue: emptied each minute\n"
        "# lint: allow unheard-of: it seemed right\n"
        "d = 4\n",
    )
    assert [wrong.split(": ", 1)[1] for wrong in unjustified(source)] == [
        "bounded-queue is waived without a reason",
        "bounded-queue is not broken there",
        "there is no rule unheard-of",
    ]
