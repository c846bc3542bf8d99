"""The manifests of the cluster: valid, confined, and describing this system; for the base and every overlay."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cleartide.bus.streams import SERVICES, services

from deploy.local.venues import ingestor_environment, recordings, simulator_arguments
from deploy.tests.pod_rules import RULES
from deploy.tests.rendering import OVERLAYS, ROOT, SCRIPTS, compose, of_kind, rendered, selects, services_of, workloads
from services.gateway.settings import GatewaySettings

EACH = pytest.mark.parametrize("overlay", OVERLAYS)
NAMESPACES = {
    "base": "cleartide",
    "overlays/pools": "cleartide",
    "overlays/dev": "cleartide-dev",
    "overlays/staging": "cleartide-staging",
}
BUILT_IN = {"v1", "apps/v1", "batch/v1", "policy/v1", "autoscaling/v2", "networking.k8s.io/v1"}


def named(objects: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The object of that name."""
    (found,) = [each for each in objects if each["metadata"]["name"] == name]
    return found


@EACH
def test_every_object_is_valid(overlay: str, tmp_path: Path) -> None:
    """DEP-K8S-001: by the schemas of Kubernetes itself, unknown fields refused."""
    path = tmp_path / "objects.json"
    path.write_text("\n---\n".join(json.dumps(each) for each in rendered(overlay)))
    command = [str(SCRIPTS / "kubernetes-validate"), "--strict", "--quiet", str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@EACH
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_pod(rule: Any, overlay: str) -> None:
    """DEP-K8S-002: one rule for all workloads."""
    assert {workload.name: broken for workload in workloads(overlay) if (broken := list(rule(workload)))} == {}


@EACH
class TestTheWhole:
    def test_the_namespace_admits_restricted_pods_only(self, overlay: str) -> None:
        """Enforced by the cluster, not just promised by us."""
        (namespace,) = of_kind(overlay, "Namespace")
        assert namespace["metadata"]["name"] == NAMESPACES[overlay]
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"

    def test_everything_lives_in_it(self, overlay: str) -> None:
        """Nothing is left in `default`, nothing spans the cluster."""
        kept = {each["metadata"].get("namespace") for each in rendered(overlay) if each["kind"] != "Namespace"}
        assert kept == {NAMESPACES[overlay]}

    def test_it_needs_no_operator(self, overlay: str) -> None:
        """Kinds that every cluster has, and no secret among them."""
        assert {each["apiVersion"] for each in rendered(overlay)} <= BUILT_IN
        assert not of_kind(overlay, "Secret")

    def test_it_has_every_part_of_the_system(self, overlay: str) -> None:
        """Seven services, the servers, the set-up; what an overlay adds or leaves to others is named here."""
        own = {"overlays/dev": {"sandbox", "postgres"}, "overlays/staging": set()}.get(overlay, {"postgres"})
        parts = {*services_of(overlay), "edge", "nats", "valkey", "setup"}
        assert {each.name for each in workloads(overlay)} == parts | own

    def test_the_set_up_can_go_first(self, overlay: str) -> None:
        """The runbook's first step applies everything but the services: servers, job, and all that these refer to."""
        later = ("service", "edge", "sandbox")
        first = [
            each
            for each in rendered(overlay)
            if each["metadata"].get("labels", {}).get("app.kubernetes.io/component") not in later
        ]
        assert {each["kind"] for each in first} >= {"Namespace", "ConfigMap", "NetworkPolicy", "Job", "Service"}
        made = {each["metadata"]["name"] for each in first if each["kind"] in ("StatefulSet", "Deployment", "Job")}
        assert made == {each.name for each in workloads(overlay) if each.component not in later}

    def test_order_keeping_services_are_one_process_each(self, overlay: str) -> None:
        """DEP-K8S-003: A StatefulSet of one, its identity never there twice; the sequencer has a standby."""
        kept = {each.name: each for each in workloads(overlay) if each.component == "service"}
        assert set(kept) == set(services_of(overlay))
        assert {each.kind for each in kept.values()} == {"StatefulSet"}
        replicas = {name: each.object["spec"]["replicas"] for name, each in kept.items()}
        twice = {"matching", "risk", "risk-2"} if overlay == "overlays/pools" else {"matching"}
        assert replicas == {name: 2 if name in twice else 1 for name in kept}

    def test_the_sequencer_and_its_standby_do_not_go_together(self, overlay: str) -> None:
        """DEP-K8S-007: on different nodes where there are several, and under a budget that leaves one of them.

        So it is with each pool of risk that has a standby.
        """
        pairs = [each for each in workloads(overlay) if each.object["spec"].get("replicas") == 2]
        assert "matching" in {each.name for each in pairs}
        for pair in pairs:
            spread = pair.pod["topologySpreadConstraints"]
            keys = [each["topologyKey"] for each in spread]
            assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
            assert all(selects(each["labelSelector"], pair.labels) for each in spread)
            budgets = of_kind(overlay, "PodDisruptionBudget")
            (budget,) = [each for each in budgets if selects(each["spec"]["selector"], pair.labels)]
            assert pair.object["spec"]["replicas"] - budget["spec"]["maxUnavailable"] == 1

    @pytest.mark.parametrize("service", SERVICES)
    def test_a_service_is_asked_the_right_questions(self, overlay: str, service: str) -> None:
        """DEP-K8S-004: has it started, does it advance, does it live: three pages of the health port."""
        (workload,) = [each for each in workloads(overlay) if each.name == service]
        pages = {kind: workload.main[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
        assert {kind: page["path"] for kind, page in pages.items()} == {
            "startup": "/health/progress",
            "readiness": "/health/ready",
            "liveness": "/health/live",
        }
        assert {page["port"] for page in pages.values()} == {"health"}
        assert {"name": "health", "containerPort": 9000} in workload.main["ports"]
        assert workload.main["args"] == [f"services.{service}"]
        assert "sleep" in workload.main["lifecycle"]["preStop"]

    def test_settings_come_from_config_maps_that_exist(self, overlay: str) -> None:
        """Named by their content, so that a change restarts whoever reads it."""
        maps = {each["metadata"]["name"]: each["data"] for each in of_kind(overlay, "ConfigMap")}
        used = set()
        for workload in workloads(overlay):
            for container in workload.containers:
                used |= {
                    each["configMapRef"]["name"] for each in container.get("envFrom", ()) if "configMapRef" in each
                }
            for _, variable in workload.environment:
                reference = variable.get("valueFrom", {}).get("configMapKeyRef")
                if reference:
                    assert reference["key"] in maps[reference["name"]]
                    used.add(reference["name"])
        assert used == set(maps)

    def test_the_gateway_knows_every_service(self, overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """At the address of its Service."""
        for each in of_kind(overlay, "ConfigMap"):
            for key, value in each["data"].items():
                monkeypatch.setenv(key, value)
        settings = GatewaySettings()
        addresses = {each["metadata"]["name"]: each["spec"]["ports"][0]["port"] for each in of_kind(overlay, "Service")}
        assert set(settings.service_urls) == set(services(settings.risk_pools))
        for name, url in settings.service_urls.items():
            host = name.replace("_", "-")
            assert url == f"http://{host}:{addresses[host]}"

    def test_every_service_address_leads_to_pods(self, overlay: str) -> None:
        """Its selector takes exactly one workload, its port is one of the workload's; none is open to the world."""
        for service in of_kind(overlay, "Service"):
            selector = {"matchLabels": service["spec"]["selector"]}
            (workload,) = [each for each in workloads(overlay) if selects(selector, each.labels)]
            ports = {port["name"] for port in workload.main["ports"]}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
            assert service["spec"].get("type", "ClusterIP") == "ClusterIP"

    def test_stateful_sets_have_the_service_that_names_them(self, overlay: str) -> None:
        """Headless, under the name they give."""
        services = of_kind(overlay, "Service")
        for workload in workloads(overlay):
            if workload.kind == "StatefulSet":
                assert named(services, workload.object["spec"]["serviceName"])["spec"]["clusterIP"] == "None"

    def test_a_drained_node_takes_one_of_a_kind(self, overlay: str) -> None:
        """Each lasting part of the system is under exactly one budget."""
        budgets = of_kind(overlay, "PodDisruptionBudget")
        assert {budget["spec"]["maxUnavailable"] for budget in budgets} == {1}
        for workload in workloads(overlay):
            over = [each for each in budgets if selects(each["spec"]["selector"], workload.labels)]
            assert len(over) == (0 if workload.component in ("job", "sandbox") else 1), workload.name

    def test_the_edge_scales(self, overlay: str) -> None:
        """DEP-K8S-009: by CPU, which it requests; the autoscaler alone decides how many, and they would spread."""
        (scaler,) = of_kind(overlay, "HorizontalPodAutoscaler")
        (edge,) = [each for each in workloads(overlay) if each.component == "edge"]
        target = scaler["spec"]["scaleTargetRef"]
        assert (target["apiVersion"], target["kind"], target["name"]) == ("apps/v1", edge.kind, edge.name)
        assert "replicas" not in edge.object["spec"]
        assert 2 <= scaler["spec"]["minReplicas"] < scaler["spec"]["maxReplicas"]
        assert [metric["resource"]["name"] for metric in scaler["spec"]["metrics"]] == ["cpu"]
        keys = [each["topologyKey"] for each in edge.pod["topologySpreadConstraints"]]
        assert keys == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        for each in edge.pod["topologySpreadConstraints"]:
            assert selects(each["labelSelector"], edge.labels)

    def test_the_edge_is_the_gateway_without_its_fold(self, overlay: str) -> None:
        """DEP-K8S-009: its user and schema, no fold; one goes when the next is ready; the fold has no edge."""
        (edge,) = [each for each in workloads(overlay) if each.component == "edge"]
        (fold,) = [each for each in workloads(overlay) if each.name == "gateway"]
        assert edge.main["args"] == ["services.gateway.edge"]
        assert edge.labels["app.kubernetes.io/name"] == fold.labels["app.kubernetes.io/name"] == "gateway"
        assert edge.object["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
        assert edge.main["readinessProbe"]["httpGet"] == {"path": "/health/ready", "port": "health"}
        assert {"name": "CLEARTIDE_GATEWAY_EDGE", "value": "apart"} in fold.main["env"]
        assert not selects(fold.object["spec"]["selector"], edge.labels)
        assert not selects(edge.object["spec"]["selector"], fold.labels)

    def test_the_set_up_ends_and_can_be_repeated(self, overlay: str) -> None:
        """It retries, it is given up at last, and it makes room for the next one."""
        (job,) = of_kind(overlay, "Job")
        assert job["spec"]["backoffLimit"] >= 3
        assert job["spec"]["activeDeadlineSeconds"] <= 3_600
        assert job["spec"]["ttlSecondsAfterFinished"] <= 3_600
        assert job["spec"]["template"]["spec"]["restartPolicy"] == "OnFailure"

    def test_what_must_last_is_on_claims(self, overlay: str) -> None:
        """The streams and the database; the cache is made again."""
        lasting = {each.name for each in workloads(overlay) if each.object["spec"].get("volumeClaimTemplates")}
        assert lasting == {"nats", "postgres"} & {each.name for each in workloads(overlay)}

    def test_the_servers_are_those_of_compose(self, overlay: str) -> None:
        """Same images, and the same settings of the database."""
        parts = compose()["services"]
        for workload in workloads(overlay):
            if workload.name in ("nats", "postgres", "valkey"):
                assert workload.main["image"] == parts[workload.name]["image"]
            if workload.name == "postgres":
                ours = {each for each in workload.main["args"] if "shared_buffers" not in each}
                assert ours == {each for each in parts["postgres"]["command"] if "shared_buffers" not in each}


class TestOverlays:
    def test_staging_connects_to_the_venue_and_dev_replays(self) -> None:
        """One variable, or a simulator beside the ingestor."""
        ingestors = {
            overlay: next(each for each in workloads(overlay) if each.name == "ingestor") for overlay in OVERLAYS
        }
        assert {"name": "FEED", "value": "live"} in ingestors["overlays/staging"].main["env"]
        (simulator,) = ingestors["overlays/dev"].pod["initContainers"]
        assert simulator["restartPolicy"] == "Always"
        assert "--port=8110" in simulator["args"]
        urls = {each["name"]: each.get("value") for each in ingestors["overlays/dev"].main["env"]}
        assert urls["CLEARTIDE_INGESTOR_SIMULATOR"] == "127.0.0.1:8110"
        assert {key: urls[key] for key in ingestor_environment()} == ingestor_environment()
        played = [each.partition("=")[2] for each in simulator["args"] if each.startswith("--venue=")]
        assert played == [each for each in simulator_arguments() if each != "--venue"]
        read = [each.partition("=")[2] for each in simulator["args"] if each.startswith("--recording=")]
        assert read == [str(Path(path).relative_to(ROOT)) for path in recordings()]

    def test_the_pools_are_risk_twice_over(self) -> None:
        """DEP-K8S-008: the second is the first but for name, number and credentials; all are told of two."""
        pools = {each.name: each for each in workloads("overlays/pools") if each.name in ("risk", "risk-2")}
        first = json.dumps(pools["risk"].object, sort_keys=True)
        own = {"name": "CLEARTIDE_RISK_POOL", "value": "2"}
        assert own in pools["risk-2"].main["env"]
        pools["risk-2"].main["env"].remove(own)
        second = json.dumps(pools["risk-2"].object, sort_keys=True)
        pools["risk-2"].main["env"].append(own)
        assert second.replace("risk_2", "risk").replace("risk-2", "risk") == first
        told = [each["data"].get("CLEARTIDE_RISK_POOLS") for each in of_kind("overlays/pools", "ConfigMap")]
        assert told.count("2") == 1

    def test_staging_brings_no_database(self) -> None:
        """Neither server nor address nor edge to it remains."""
        assert "postgres" not in {each["metadata"]["name"] for each in rendered("overlays/staging")}
        assert "database" not in {each["metadata"]["name"] for each in of_kind("overlays/staging", "NetworkPolicy")}
