"""Who reaches whom on the cluster: every pair of workloads and every port, held against the system's own tables."""

from typing import Any, Final

import pytest
from cleartide.bus.streams import SERVICES

from deploy.tests.rendering import OVERLAYS, Workload, of_kind, selects, services_of, workloads

EACH = pytest.mark.parametrize("overlay", OVERLAYS)
BUS, DATABASE, CACHE, HEALTH, API = 4222, 5432, 6379, 9000, 8080
PORTS: Final = (BUS, 8222, DATABASE, CACHE, HEALTH, API, 8110)
DOORS: Final = {"gateway": API, "bus": BUS, "metrics": HEALTH}
PRIVATE: Final = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"}


def _policies(overlay: str, labels: dict[str, str], direction: str) -> list[dict[str, Any]]:
    """The specifications that govern a pod in one direction."""
    return [
        each["spec"]
        for each in of_kind(overlay, "NetworkPolicy")
        if direction in each["spec"]["policyTypes"] and selects(each["spec"]["podSelector"], labels)
    ]


def _has_port(rule: dict[str, Any], port: int) -> bool:
    return "ports" not in rule or any(each["port"] == port and each["protocol"] == "TCP" for each in rule["ports"])


def _takes(peers: list[dict[str, Any]], labels: dict[str, str]) -> bool:
    """Whether a peer list takes a pod of the same namespace; no label of ours is on that namespace."""
    return any(
        "podSelector" in peer and "namespaceSelector" not in peer and selects(peer["podSelector"], labels)
        for peer in peers
    )


def reaches(overlay: str, sender: Workload, receiver: Workload, port: int) -> bool:
    """As the cluster decides: the sender's egress and the receiver's ingress must both allow it."""
    out = any(
        _has_port(rule, port) and _takes(rule["to"], receiver.labels)
        for policy in _policies(overlay, sender.labels, "Egress")
        for rule in policy.get("egress", ())
    )
    into = any(
        _has_port(rule, port) and _takes(rule["from"], sender.labels)
        for policy in _policies(overlay, receiver.labels, "Ingress")
        for rule in policy.get("ingress", ())
    )
    return out and into


def wanted(overlay: str) -> set[tuple[str, str, int]]:
    """The edges that the system needs: users of the bus, owners of schemas, and what the edge asks."""
    present = {each.name for each in workloads(overlay)}
    clients = {*services_of(overlay), "edge", "setup"}
    edges = {(name, "nats", BUS) for name in clients | ({"sandbox"} & present)}
    edges |= {(name, "postgres", DATABASE) for name in clients if "postgres" in present}
    edges |= {("edge", name, HEALTH) for name in services_of(overlay)}
    return edges | {("edge", "valkey", CACHE)}


@EACH
def test_exactly_the_needed_edges_are_open(overlay: str) -> None:
    """DEP-K8S-005: no more and no less, over all pairs and ports."""
    everyone = workloads(overlay)
    open_edges = {
        (sender.name, receiver.name, port)
        for sender in everyone
        for receiver in everyone
        for port in PORTS
        if sender is not receiver and reaches(overlay, sender, receiver, port)
    }
    assert open_edges == wanted(overlay)


@EACH
def test_the_rest_is_denied_in_both_directions(overlay: str) -> None:
    """One policy takes every pod and allows nothing."""
    (deny,) = [each for each in of_kind(overlay, "NetworkPolicy") if each["metadata"]["name"] == "default-deny"]
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@EACH
def test_every_pod_may_ask_for_names(overlay: str) -> None:
    """The cluster's own DNS and no other."""
    for workload in workloads(overlay):
        rules = [rule for policy in _policies(overlay, workload.labels, "Egress") for rule in policy.get("egress", ())]
        names = [rule for rule in rules if {"protocol": "UDP", "port": 53} in rule["ports"]]
        (peer,) = names[0]["to"]
        assert peer["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}


@EACH
def test_other_namespaces_come_in_by_label_only(overlay: str) -> None:
    """An operator opens the API, the bus or the metrics to a namespace; nothing is open to all."""
    found = set()
    for policy in of_kind(overlay, "NetworkPolicy"):
        for rule in policy["spec"].get("ingress", ()):
            for peer in rule["from"]:
                assert set(peer) in ({"podSelector"}, {"namespaceSelector"}), policy["metadata"]["name"]
                if "namespaceSelector" in peer:
                    ((label, value),) = peer["namespaceSelector"]["matchLabels"].items()
                    assert value == "true"
                    found |= {(label, port["port"]) for port in rule["ports"]}
    assert found == {
        ("cleartide/gateway-client", API),
        ("cleartide/bus-client", BUS),
        ("cleartide/metrics-client", HEALTH),
    }


@pytest.mark.parametrize(
    ("overlay", "outside"),
    [
        ("base", {("gateway", "0.0.0.0/0", 443)}),
        ("overlays/dev", {("gateway", "0.0.0.0/0", 443)}),
        (
            "overlays/staging",
            {("ingestor", "0.0.0.0/0", 443), ("gateway", "0.0.0.0/0", 443)}
            | {(name, "10.0.0.0/8", DATABASE) for name in (*SERVICES, "edge", "setup")},
        ),
    ],
)
def test_only_named_pods_leave_the_cluster(overlay: str, outside: set[tuple[str, str, int]]) -> None:
    """Webhooks to public addresses, the ingestor to the live venue, clients of a foreign database."""
    found = set()
    for workload in workloads(overlay):
        for policy in _policies(overlay, workload.labels, "Egress"):
            for rule in policy.get("egress", ()):
                for block in (peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer):
                    found |= {(workload.name, block["cidr"], port["port"]) for port in rule["ports"]}
                    if block["cidr"] == "0.0.0.0/0":
                        assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(
                            block["except"]
                        )
    assert found == outside


@EACH
def test_ports_of_policies_are_ports_of_pods(overlay: str) -> None:
    """A policy for a port that nobody listens on would be a hole in waiting."""
    listening = {each["containerPort"] for workload in workloads(overlay) for each in workload.main.get("ports", ())}
    for policy in of_kind(overlay, "NetworkPolicy"):
        for rule in policy["spec"].get("ingress", ()):
            assert {port["port"] for port in rule["ports"]} <= listening
