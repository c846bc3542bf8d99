"""Nothing is acknowledged before it is safe: policies are written down, and NATS syncs before it answers (ADR 2, 6)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from deploy.compose.config import nats_configuration
from deploy.compose.passwords import generate
from deploy.local.nats import NatsServer
from tests.architecture.lint import Finding, Lint
from tests.architecture.source import Source, dotted, is_product, is_python

ON_A_STREAM: Final = frozenset({"stream", "pull_sub", "durable", "deliver_policy", "config"})
UNSAFE_SETTINGS: Final = (
    (re.compile(r"persist_mode\W+async"), "persist_mode async answers before the write"),
    (re.compile(r"\bsync_interval\b(?!\W+always)"), "sync_interval is not always"),
    (re.compile(r"(?<![\w-])(-js|--jetstream)\b"), "JetStream by command line syncs every two minutes"),
)


def _entries(node: ast.Dict) -> dict[str | None, ast.expr]:
    pairs = zip(node.keys, node.values, strict=True)
    return {key.value: value for key, value in pairs if isinstance(key, ast.Constant) and isinstance(key.value, str)}


def _subscriptions(source: Source) -> Iterator[Finding]:
    for node in source.nodes:
        if isinstance(node, ast.Dict) and "durable_name" in _entries(node) and "ack_policy" not in _entries(node):
            yield node.lineno, "a consumer without ack_policy"
        if not isinstance(node, ast.Call):
            continue
        name, given = dotted(node.func).rpartition(".")[2], {word.arg for word in node.keywords}
        if name in ("subscriber", "subscribe", "pull_subscribe") and given & ON_A_STREAM:
            yield node.lineno, f"{name}() on a stream acknowledges by its library's default: use PullCursor"
        if name == "ConsumerConfig" and "ack_policy" not in given:
            yield node.lineno, "a consumer without ack_policy"


def _flushes(source: Source) -> Iterator[Finding]:
    for function in source.nodes:
        if not isinstance(function, ast.AsyncFunctionDef):
            continue
        called = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        subscribed = [call.lineno for call in called if dotted(call.func).endswith(".subscribe")]
        for call in called:
            if dotted(call.func).endswith(".flush") and subscribed and call.lineno > min(subscribed):
                yield call.lineno, "flush() says nothing about a subscription: use cleartide.bus.confirm"


def _persistence(source: Source) -> Iterator[Finding]:
    for node in source.nodes:
        if not isinstance(node, ast.Dict | ast.Call):
            continue
        given = _entries(node) if isinstance(node, ast.Dict) else {word.arg: word.value for word in node.keywords}
        if _last_name(given.get("persist_mode")) == "async":
            yield node.lineno, "persist_mode async answers before the write"
        is_server = isinstance(node, ast.Call) and dotted(node.func).endswith(("Server", "Stack"))
        if is_server and _last_name(given.get("durable")) == "false":
            yield node.lineno, "a server that does not sync"


def _last_name(node: ast.expr | None) -> str:
    """`async` of "async" and of PersistMode.ASYNC."""
    if isinstance(node, ast.Constant):
        return str(node.value).lower()
    return dotted(node).rpartition(".")[2].lower() if node is not None else ""


def _settings(source: Source) -> Iterator[Finding]:
    for number, line in enumerate(source.lines, start=1):
        for pattern, wrong in UNSAFE_SETTINGS:
            if pattern.search(line):
                yield number, wrong


def _is_setting(path: str) -> bool:
    return path.startswith("deploy/") and (path.endswith((".yaml", ".yml", ".json", ".conf")) or "Dockerfile" in path)


POLICY_LINT: Final = Lint("explicit-acknowledgement", is_product, _subscriptions)
PERSISTENCE_LINT: Final = Lint("synced-persistence", is_product, _persistence)
SETTINGS_LINT: Final = Lint("synced-persistence", _is_setting, _settings)
CONFIRM_LINT: Final = Lint("confirmed-subscription", is_python, _flushes)
LINTS: Final = (POLICY_LINT, PERSISTENCE_LINT, SETTINGS_LINT, CONFIRM_LINT)


@pytest.mark.parametrize("lint", LINTS, ids=("policy", "persistence", "settings", "confirm"))
def test_nothing_is_acknowledged_too_early(lint: Lint) -> None:
    assert lint.over_tree() == []


@pytest.mark.parametrize(
    "fault",
    [
        "broker.subscriber('trading.>', stream='EVENTS')",
        "broker.subscriber('trading.>', pull_sub=PullSub())",
        "js.subscribe('trading.>', durable='risk')",
        "js.pull_subscribe('trading.>', durable='risk', stream='EVENTS')",
        "ConsumerConfig(max_ack_pending=10)",
        "{'durable_name': 'risk', 'max_ack_pending': 10}",
    ],
)
def test_a_default_acknowledgement_is_found(fault: str) -> None:
    assert len(POLICY_LINT.planted("services/risk/feed.py", f"x = {fault}")) == 1


@pytest.mark.parametrize(
    "good",
    ["broker.subscriber('query.risk.x')", "client.subscribe('risk.>', cb=arrived)", "ConsumerConfig(ack_policy=ALL)"],
)
def test_plain_subscriptions_have_nothing_to_acknowledge(good: str) -> None:
    assert not POLICY_LINT.planted("services/risk/feed.py", f"x = {good}")


@pytest.mark.parametrize(
    "fault",
    [
        "x = {'name': 'EVENTS', 'persist_mode': 'async'}",
        "x = StreamConfig(persist_mode='async')",
        "x = StreamConfig(persist_mode=PersistMode.ASYNC)",
        "x = NatsServer(folder, durable=False)",
    ],
)
def test_unsynced_persistence_is_found(fault: str) -> None:
    assert len(PERSISTENCE_LINT.planted("deploy/local/build.py", fault)) == 1


@pytest.mark.parametrize(
    "fault", ["args: [-js, --store_dir, /data]", 'command: ["--jetstream"]', "sync_interval: 2m", "persist_mode: async"]
)
def test_an_unsafe_setting_is_found(fault: str) -> None:
    assert len(SETTINGS_LINT.planted("deploy/k8s/base/nats.yaml", f"kind: ConfigMap\n{fault}")) == 1
    assert not SETTINGS_LINT.planted("deploy/k8s/base/nats.yaml", "sync_interval: always")


def test_the_embedded_server_syncs_before_it_answers(tmp_path: Path) -> None:
    assert NatsServer(tmp_path, port=1, monitor_port=2).configuration()["jetstream"]["sync_interval"] == "always"


def test_the_server_in_a_container_syncs_before_it_answers() -> None:
    """One rendering serves compose and Kubernetes."""
    assert nats_configuration(generate())["jetstream"]["sync_interval"] == "always"


@pytest.mark.parametrize("path", ["deploy/compose.yaml", "deploy/k8s/base/nats.yaml"])
def test_containers_run_on_the_rendered_configuration(path: str) -> None:
    text = (Path(__file__).parents[2] / path).read_text()
    assert re.search(r"deploy\.compose\.config, --nats, /config/(nats/)?nats\.conf\b", text)
    assert re.search(r"(args|command): \[--config, /config/nats\.conf\]", text)


def test_a_flush_is_not_taken_for_the_word_of_the_server() -> None:
    function = "async def hear(client):\n    await client.subscribe('x')\n    await {}\n"
    assert len(CONFIRM_LINT.planted("benchmarks/ear.py", function.format("client.flush()"))) == 1
    assert not CONFIRM_LINT.planted("benchmarks/ear.py", function.format("confirm(client)"))
