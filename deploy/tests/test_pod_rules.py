"""Every rule for pods finds what it is there to find: a planted fault for each."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from deploy.tests.pod_rules import RULES, Rule
from deploy.tests.rendering import Workload, workloads

Fault = Callable[[Workload], Any]


def _variable(workload: Workload, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in workload.main["env"] if each["name"] == name)
    return found


FAULTS: dict[str, list[Fault]] = {
    "has_no_token": [
        lambda w: w.pod.pop("automountServiceAccountToken"),
        lambda w: w.pod.update(serviceAccountName="admin"),
    ],
    "is_nobody_in_particular": [
        lambda w: w.pod["securityContext"].pop("runAsNonRoot"),
        lambda w: w.pod["securityContext"].update(runAsUser=999),
        lambda w: w.main["securityContext"].update(runAsUser=0),
    ],
    "makes_only_usual_system_calls": [
        lambda w: w.pod["securityContext"].pop("seccompProfile"),
        lambda w: w.pod["securityContext"].update(seccompProfile={"type": "Unconfined"}),
    ],
    "shares_nothing_with_the_node": [
        lambda w: w.pod.update(hostNetwork=True),
        lambda w: w.pod["volumes"].append({"name": "node", "hostPath": {"path": "/"}}),
        lambda w: w.main["ports"][0].update(hostPort=9000),
    ],
    "gains_no_privilege": [
        lambda w: w.main["securityContext"].pop("allowPrivilegeEscalation"),
        lambda w: w.main["securityContext"].update(privileged=True),
    ],
    "has_no_capability": [lambda w: w.main["securityContext"]["capabilities"].update(add=["NET_ADMIN"])],
    "cannot_change_its_image": [lambda w: w.main["securityContext"].pop("readOnlyRootFilesystem")],
    "runs_a_known_version": [
        lambda w: w.main.update(image="cleartide"),
        lambda w: w.main.update(image="cleartide:latest"),
    ],
    "has_memory_to_itself_and_no_more": [
        lambda w: w.main["resources"]["limits"].pop("memory"),
        lambda w: w.main["resources"]["requests"].pop("memory"),
    ],
    "is_never_throttled": [
        lambda w: w.main["resources"]["limits"].update(cpu="1"),
        lambda w: w.main["resources"]["requests"].pop("cpu"),
    ],
    "fills_no_disk": [lambda w: w.pod["volumes"].append({"name": "big", "emptyDir": {}})],
    "says_how_it_is": [
        lambda w: w.main.pop("startupProbe"),
        lambda w: w.main.update(livenessProbe=w.main["readinessProbe"]),
        lambda w: w.main.update(startupProbe=w.main["livenessProbe"]),
    ],
    "keeps_its_secrets_out_of_the_tree": [
        lambda w: w.main["env"].append({"name": "CLEARTIDE_POSTGRES_DSN", "value": "postgresql://me:secret@db"}),
    ],
    "asks_for_secrets_that_are_made": [
        lambda w: _variable(w, "CLEARTIDE_NATS_PASSWORD")["valueFrom"]["secretKeyRef"].update(key="nats"),
        lambda w: w.main["envFrom"].append({"secretRef": {"name": "cleartide-unknown"}}),
        lambda w: w.pod["volumes"].append({"name": "extra", "secret": {"secretName": "unknown"}}),
    ],
    "has_no_credentials_of_others": [
        lambda w: _variable(w, "CLEARTIDE_NATS_PASSWORD")["valueFrom"]["secretKeyRef"].update(
            name="cleartide-matching"
        ),
        lambda w: w.main["envFrom"].append({"secretRef": {"name": "cleartide-nats"}}),
    ],
    "sets_variables_that_are_read": [
        lambda w: w.main["env"].append({"name": "CLEARTIDE_LOGLEVEL", "value": "debug"}),
        lambda w: w.main["env"].append(w.main["env"][0]),
    ],
    "runs_a_module_that_exists": [lambda w: w.main.update(args=["services.riks"])],
    "sees_no_accidental_variables": [lambda w: w.pod.pop("enableServiceLinks")],
    "has_time_to_end": [lambda w: w.pod.update(terminationGracePeriodSeconds=5)],
    "selects_its_own_pods": [
        lambda w: w.labels.update({"app.kubernetes.io/name": "other"}),
        lambda w: w.object["spec"]["selector"]["matchLabels"].pop("app.kubernetes.io/name"),
    ],
    "mounts_what_it_declares": [lambda w: w.main["volumeMounts"].append({"name": "lost", "mountPath": "/lost"})],
    "is_labelled": [lambda w: w.labels.pop("app.kubernetes.io/part-of")],
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_rule_finds_its_faults(rule: Rule) -> None:
    """DEP-K8S-002: and nothing in the workload as it stands."""
    (risk,) = [each for each in workloads("base") if each.name == "risk"]
    assert list(rule(risk)) == []
    for fault in FAULTS[rule.__name__]:
        spoiled = Workload(copy.deepcopy(risk.object))
        fault(spoiled)
        assert list(rule(spoiled)) != []


def test_there_are_as_many_faults_as_rules() -> None:
    """No rule without a proof that it can fail."""
    assert set(FAULTS) == {rule.__name__ for rule in RULES}
    assert len(RULES) >= 20
