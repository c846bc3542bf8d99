"""The fold: each message once, in order, none missing; one bad message harms no other."""

import json
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import pytest
from cleartide.bus.faults import CRASH_POINTS, crash_point_from, no_crash
from cleartide.bus.folder import Fold, Folder, UnreadableEvent, channel_of, channels_of, subject_matches
from cleartide.bus.ports import Commit, CursorLost, Delivery, Epoch, Progress
from cleartide.bus.streams import EVENTS, MARKET
from cleartide.contracts import (
    DeadLettered,
    Deposit,
    LiquidateAccount,
    Message,
    RiskAlertRaised,
    TransferApplied,
    VenueStatus,
)
from cleartide.contracts.codec import encode
from cleartide.fold import Changes, Repository, Row
from hypothesis import given
from hypothesis import strategies as st

from tests.support.bank import APPLIED, BALANCES, BANK, MIRROR, MOVES, deposit, withdraw

BEGINNING = Epoch(7, Progress(), {}, {})


def folder_of(fold: Any = BANK, epoch: Epoch = BEGINNING, **rows: Sequence[Row]) -> Folder:
    return Folder(
        service=fold.service,
        stream=fold.stream,
        handlers=fold.handlers,
        repository=fold.repository,
        state=fold.repository.restore({table.name: rows.get(table.name, []) for table in fold.tables}),
        epoch=epoch,
        journal=fold.journal,
    )


def delivered(seq: int, *commands: Message, at: int = 0, subject: str = "") -> Delivery:
    """The commands as one message at a place of the stream."""
    payload = b",".join(encode(command) for command in commands)
    subject = subject or commands[0].subject
    return Delivery(seq, at or seq, subject, payload if len(commands) == 1 else b"[" + payload + b"]", "", 0)


def applied(*seqs: int, stream_seq: int = 0, at: int = 5) -> Delivery:
    """Trading events with these numbers as one message."""
    events = [
        TransferApplied(
            id=f"e{seq}",
            seq=seq,
            occurred_at=at,
            source="matching",
            account="alice",
            amount_quanta=1,
            cash_quanta=seq,
        )
        for seq in seqs
    ]
    return delivered(stream_seq or seqs[-1], *events)


def fold(folder: Folder, deliveries: Sequence[Delivery]) -> Commit:
    return folder.fold(folder.decode(deliveries), "trace", "created")[0]


def test_a_batch_that_says_much_is_several_commits() -> None:
    """RUN-BATCH-001: a commit ends with the message that fills it, the next goes on from there; the sum is the same."""
    deliveries = [delivered(seq, deposit(seq, f"acct-{seq}", "1")) for seq in range(1, 11)]
    whole, folder, commits = fold(folder_of(), deliveries), folder_of(), []
    decoded = folder.decode(deliveries)
    while decoded:
        commit, counts = folder.fold(decoded, "trace", "created", most_rows=1)
        decoded = decoded[counts.messages :]
        commits.append(commit)
    assert [commit.after.position for commit in commits] == list(range(1, 11))
    assert [commit.before for commit in commits[1:]] == [commit.after for commit in commits[:-1]]
    assert all(len(commit.outbox) == 1 for commit in commits)
    assert [event for commit in commits for event in said(commit)] == said(whole)
    assert commits[-1].after == whole.after
    assert sum(len(commit.journal) for commit in commits) == len(whole.journal)


def in_three(state: Any, command: Deposit, effects: Any) -> bool:
    """A deposit in three steps; which of them is next is told by the balance."""
    after = state.balances.get(command.account, 0) + 1
    state.balances[command.account], state.dirty[command.account] = after, None
    effects.emit(TransferApplied, account=command.account, amount_quanta=1, cash_quanta=after)
    return after % 3 != 0


STEPWISE = Fold("matching", BANK.stream, {Deposit: in_three}, BANK.repository, journal=True)


def test_each_step_of_a_message_is_a_commit() -> None:
    """RUN-STEP-001: the position moves with the last step, the journal with the first; a restart between steps, even
    one after each, and another time of the message behind it, change nothing of what is said."""
    deliveries = [delivered(seq, deposit(seq, f"acct-{seq % 2}")) for seq in range(1, 5)]
    whole, commits = fold(folder_of(STEPWISE), deliveries), list[Commit]()
    folder, balances = folder_of(STEPWISE), dict[str, int]()
    decoded = folder.decode(deliveries)
    while decoded:
        commit, counts = folder.fold(decoded, "trace", "created", in_steps=True)
        decoded = decoded[counts.messages :]
        commits.append(commit)
        balances |= dict(commit.changes.rows[BALANCES])
        epoch = Epoch(7, commit.after, {"EVENTS": commit.outbox[-1].last_seq}, {})
        folder = folder_of(STEPWISE, epoch, balances=list(balances.items()))
        late = [delivery._replace(at=delivery.at + 1) for delivery, _ in decoded[:1] if STEPWISE.in_midst(commit.after)]
        decoded = [*folder.decode(late), *decoded[len(late) :]]
    assert [commit.after.position for commit in commits] == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    assert [STEPWISE.in_midst(commit.after) for commit in commits] == [*[True] * 8, False]
    assert [event for commit in commits for event in said(commit)] == said(whole)
    assert [[entry.stream_seq for entry in commit.journal] for commit in commits] == [
        [1], [], [2], [], [3], [], [4], [], []
    ]  # fmt: skip
    assert [entry for commit in commits for entry in commit.journal] == list(whole.journal)
    assert commits[-1].after == whole.after


def said(commit: Commit) -> list[dict[str, Any]]:
    """Every event of the commit's outbox."""
    payloads = [json.loads(row.payload) for row in commit.outbox]
    return [event for payload in payloads for event in (payload if isinstance(payload, list) else [payload])]


def test_a_batch_becomes_one_commit() -> None:
    """Rows, events, position and the journal of a batch leave together, under the epoch that folded them."""
    commit = fold(folder_of(), [delivered(1, deposit(1)), delivered(2, deposit(2, "bob"), withdraw(1, "bob"))])
    assert commit.epoch == 7
    assert (commit.before, commit.after) == (Progress(), Progress(2, 2, "created", 2))
    assert commit.changes.rows[BALANCES] == [("alice", 1_000_000), ("bob", 0)]
    assert len(commit.changes.rows[APPLIED]) == 3
    assert [event["seq"] for event in said(commit)] == [1, 2, 3]
    assert [entry.stream_seq for entry in commit.journal] == [1, 2]


def test_a_message_seen_before_is_skipped() -> None:
    """After a restart the bus may repeat what was committed: nothing happens twice, and it is not journalled twice."""
    folder = folder_of(epoch=Epoch(7, Progress(2, 2, "created", 9), {"EVENTS": 4}, {}))
    commit = fold(folder, [delivered(1, deposit(1)), delivered(2, deposit(2)), delivered(3, deposit(3))])
    assert commit.changes.rows[BALANCES] == [("alice", 1_000_000)]
    assert [event["seq"] for event in said(commit)] == [5]
    assert [entry.stream_seq for entry in commit.journal] == [3]


def test_a_batch_of_nothing_new_changes_nothing() -> None:
    """Duplicates alone leave the position, the rows and the outbox as they are."""
    folder = folder_of(epoch=Epoch(7, Progress(2, 2, "created", 9), {"EVENTS": 4}, {}))
    commit = fold(folder, [delivered(2, deposit(2))])
    assert commit.before == commit.after
    assert (list(commit.outbox), list(commit.journal)) == ([], [])
    assert not any(commit.changes.rows.values())


@pytest.mark.parametrize("seqs", [(2,), (1, 3), (1, 2, 4)])
def test_a_gap_in_the_commands_is_never_folded_over(seqs: tuple[int, ...]) -> None:
    """A missing command stops the epoch before anything behind it counts."""
    with pytest.raises(CursorLost, match=f"expected {seqs[-1] - 1 if len(seqs) > 1 else 1}, got {seqs[-1]}"):
        fold(folder_of(), [delivered(seq, deposit(seq)) for seq in seqs])


def test_a_gap_in_the_events_is_never_folded_over() -> None:
    """A missing event number stops the epoch, inside a message as well as between two."""
    for deliveries in ([applied(2)], [applied(1), applied(3)], [applied(1, 2, 4)]):
        with pytest.raises(CursorLost):
            fold(folder_of(MIRROR), deliveries)


def test_a_hole_is_found_even_when_only_repeats_come_after_it() -> None:
    """A lost message followed by repeats: were the position moved on past the hole, no restart could ever fill it."""
    folder = folder_of(MIRROR)
    assert fold(folder, [applied(1, stream_seq=1)]).after.stream_seq == 1
    with pytest.raises(CursorLost, match="message 2 is missing"):
        fold(folder, [applied(1, stream_seq=3)])


def test_a_repeated_delivery_does_not_move_the_cursor_back() -> None:
    """What the bus delivers again is passed over; the next start is where the last one would have been."""
    folder = folder_of(MIRROR)
    fold(folder, [applied(1, stream_seq=1), applied(2, stream_seq=2)])
    assert fold(folder, [applied(1, stream_seq=1)]).after.stream_seq == 2


def test_a_stream_made_anew_is_read_under_its_own_numbers() -> None:
    """After a restore the stream counts from another number; the events' own numbers go on."""
    folder = folder_of(MIRROR, Epoch(7, Progress(0, 88, "before", 5), {}, {}))
    fold(folder, [applied(1, stream_seq=89), applied(2, stream_seq=90)])
    folder.read_from(1)
    commit = fold(folder, [applied(1, 2, stream_seq=1), applied(3, stream_seq=2)])
    assert commit.after == Progress(3, 2, "created", 5)


def test_events_overlapping_with_what_was_seen_count_once() -> None:
    """A repaired outbox may repeat events packed in another way: each number counts once."""
    folder = folder_of(MIRROR)
    commit = fold(folder, [applied(1, 2, stream_seq=1), applied(1, stream_seq=2), applied(2, 3, stream_seq=3)])
    assert [row[0] for row in commit.changes.rows[MOVES]] == [1, 2, 3]
    assert commit.after == Progress(3, 3, "created", 5)


def test_the_stream_position_goes_on_even_when_all_was_seen() -> None:
    """The cursor does not return to duplicates for ever."""
    folder = folder_of(MIRROR, Epoch(7, Progress(3, 3, "created", 5), {"EARNINGS": 3}, {}))
    assert fold(folder, [applied(2, 3, stream_seq=4)]).after == Progress(3, 4, "created", 5)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_sequenced_time_never_goes_back(times: list[int]) -> None:
    """A broker clock that jumps back does not: events carry a time that only grows."""
    commit = fold(folder_of(), [delivered(seq, deposit(seq), at=at) for seq, at in enumerate(times, start=1)])
    stamps = [event["occurred_at"] for event in said(commit)]
    assert stamps == list(accumulate(times, max))
    assert commit.after.at == stamps[-1]


def test_a_refused_command_goes_to_the_dead_letters_alone() -> None:
    """A duplicate and an unusable amount are buried with their reasons; their neighbours are applied."""
    batch = [deposit(1), deposit(1), deposit(2, amount="0.0000001"), deposit(3)]
    commit = fold(folder_of(), [delivered(seq, command) for seq, command in enumerate(batch, start=1)])
    letters = [event for event in said(commit) if event["type"] == "DeadLettered"]
    assert [(letter["reason"], letter["stream_seq"]) for letter in letters] == [("duplicate", 2), ("off_grid", 3)]
    assert commit.changes.rows[BALANCES] == [("alice", 2_000_000)]
    assert [row.channel for row in commit.outbox] == ["EVENTS", "DEAD_LETTERS", "DEAD_LETTERS"]


def test_one_bad_event_in_a_packed_command_keeps_its_neighbours() -> None:
    """Of an array of commands only the bad one is buried, with its index."""
    payload = b"[" + b",".join([encode(deposit(1)), b'{"type":"Deposit"}', encode(deposit(2))]) + b"]"
    commit = fold(folder_of(), [Delivery(1, 1, "transfers.alice", payload, "", 0)])
    (letter,) = [event for event in said(commit) if event["type"] == "DeadLettered"]
    assert (letter["reason"], letter["index_in_message"]) == ("schema_invalid", 1)
    assert commit.changes.rows[BALANCES] == [("alice", 2_000_000)]


def test_a_command_on_another_subject_is_refused() -> None:
    """Rights are given by subject: a deposit for bob sent on alice's subject is not applied."""
    commit = fold(folder_of(), [delivered(1, deposit(1, "bob"), subject="transfers.alice")])
    assert [event["reason"] for event in said(commit)] == ["wrong_subject"]
    assert not commit.changes.rows.get(BALANCES)


def test_nobody_speaks_in_a_services_name() -> None:
    """A deposit that calls itself risk's is refused: risk does not publish transfers."""
    forged = deposit(1).model_copy(update={"source": "risk"})
    commit = fold(folder_of(), [delivered(1, forged)])
    assert [event["reason"] for event in said(commit)] == ["forbidden_source"]


def test_types_without_a_handler_only_move_the_position() -> None:
    """A service takes what it needs; the rest passes by without a trace."""
    event = TransferApplied(
        id="e1", seq=1, occurred_at=5, source="matching", account="a", amount_quanta=1, cash_quanta=1
    )
    fold_without = type(MIRROR)("earnings", EVENTS, {}, MIRROR.repository)
    commit = fold(folder_of(fold_without), [delivered(1, event)])
    assert commit.after.position == 1
    assert not commit.outbox


def test_the_handler_of_every_message_comes_first_and_stands() -> None:
    """It is called before the message's own handler, also when that refuses, and for types that have no other."""
    seen: list[tuple[str, int]] = []

    def first(_state: Any, message: Message, effects: Any) -> None:
        seen.append((message.id, effects.at))
        effects.emit(TransferApplied, account="clock", amount_quanta=len(seen), cash_quanta=0)

    fold_with = type(BANK)("matching", BANK.stream, {Message: first, Deposit: BANK.handlers[Deposit]}, BANK.repository)
    commit = fold(folder_of(fold_with), [delivered(1, deposit(1)), delivered(2, deposit(1)), delivered(3, withdraw(1))])
    assert seen == [("d1", 1), ("d1", 2), ("w1", 3)]
    events = [event.get("reason") or event["account"] for event in said(commit)]
    assert sorted(events) == ["alice", "clock", "clock", "clock", "duplicate"]


def test_an_unreadable_event_of_our_own_stops_the_service() -> None:
    """Nobody but the writer can be at fault, so skipping would hide a defect: the service stops loudly."""
    with pytest.raises(UnreadableEvent, match="EVENTS #1"):
        fold(folder_of(MIRROR), [Delivery(1, 1, "trading.main", b'[{"type":"TransferApplied"}]', "", 0)])


def test_a_stream_with_an_age_limit_may_begin_anywhere() -> None:
    """Market data is trimmed: the fold goes on where it is told that the stream begins; every other gap counts."""

    class Rows(Repository[None]):
        tables = ()

        def restore(self, rows: Any) -> None:
            return None

        def collect(self, state: None) -> Changes:
            return Changes()

    status = VenueStatus(
        id="s", occurred_at=1, source="ingestor", venue="v", symbol="S", venue_time=1, received_at=1, venue_seq=1,
        status="synced",
    )  # fmt: skip
    folder = folder_of(type(MIRROR)("ingestor", MARKET, {}, Rows()))
    with pytest.raises(CursorLost):
        fold(folder, [delivered(40, status)])
    folder.skip_to(39)
    assert fold(folder, [delivered(40, status)]).after.position == 40
    with pytest.raises(CursorLost):
        fold(folder, [delivered(42, status)])
    folder.skip_to(49)
    assert fold(folder, [delivered(50, status)]).after.position == 50


@pytest.mark.parametrize(
    ("pattern", "subject", "matches"),
    [
        ("orders.>", "orders.BTC", True),
        ("orders.>", "orders.BTC.x", True),
        ("orders.>", "orders", False),
        ("orders.*", "orders.BTC", True),
        ("orders.*", "orders.BTC.x", False),
        ("orders.BTC", "orders.ETH", False),
        ("a.*.c", "a.b.c", True),
        ("a.*.c", "a.b", False),
        (">", "anything.at.all", True),
    ],
)
def test_subjects_match_as_on_the_server(pattern: str, subject: str, matches: bool) -> None:
    """Our own check of rights reads wildcards as NATS does."""
    assert subject_matches(pattern, subject) is matches


def test_a_service_knows_what_it_may_write() -> None:
    """What is repaired at a start is exactly what the service may publish."""
    assert channels_of("risk") == ("COMMANDS", "RISK", "DEAD_LETTERS")
    assert channels_of("analytics") == ("ANALYTICS", "DEAD_LETTERS")
    assert [channel_of(contract) for contract in (RiskAlertRaised, LiquidateAccount, DeadLettered)] == [
        "RISK",
        "COMMANDS",
        "DEAD_LETTERS",
    ]


def test_crash_points_are_asked_for_by_name() -> None:
    """A fault run that misspells its point is told so; without a wish nothing is armed."""
    assert crash_point_from({}) is no_crash
    for wrong in ("nowhere:1", "after_fold", "after_fold:", "after_fold:x"):
        with pytest.raises(ValueError, match="expected <point>:<n>"):
            crash_point_from({"CLEARTIDE_CRASH_AT": wrong})
    armed = crash_point_from({"CLEARTIDE_CRASH_AT": "after_fold:3"})
    for point in CRASH_POINTS:
        armed(point)
    armed("after_fold")
