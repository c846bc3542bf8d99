"""What every pod on the cluster must be like: one function per rule, each naming what breaks it."""

import importlib.util
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from deploy.compose.passwords import generate
from deploy.k8s.secrets import secrets
from deploy.tests.rendering import KNOWN_VARIABLES, Document, Workload

Rule = Callable[[Workload], Iterator[str]]
RULES: Final[list[Rule]] = []
LOWEST_UID: Final = 10_000
SECRETS: Final = secrets(generate())
KINDS_OF_VOLUMES: Final = {"emptyDir", "secret", "configMap"}


def rule(function: Rule) -> Rule:
    """Adds a rule to the list."""
    RULES.append(function)
    return function


def _dig(node: Any, *keys: str) -> Any:
    """The value at the end of the keys; None where one of them is missing."""
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node


@rule
def has_no_token(workload: Workload) -> Iterator[str]:
    """No pod can talk to the cluster's API."""
    if workload.pod.get("automountServiceAccountToken") is not False or "serviceAccountName" in workload.pod:
        yield "automountServiceAccountToken"


@rule
def is_nobody_in_particular(workload: Workload) -> Iterator[str]:
    """Not root, and no uid or gid that the node's own users have."""
    context = workload.pod.get("securityContext", {})
    if context.get("runAsNonRoot") is not True:
        yield "runAsNonRoot"
    for field in ("runAsUser", "runAsGroup"):
        if context.get(field, 0) < LOWEST_UID:
            yield field
    for container in workload.containers:
        if {"runAsUser", "runAsGroup", "runAsNonRoot"} & set(container.get("securityContext", {})):
            yield f"{container['name']} has an identity of its own"


@rule
def makes_only_usual_system_calls(workload: Workload) -> Iterator[str]:
    """The runtime's seccomp profile."""
    if _dig(workload.pod, "securityContext", "seccompProfile", "type") != "RuntimeDefault":
        yield "seccompProfile"


@rule
def shares_nothing_with_the_node(workload: Workload) -> Iterator[str]:
    """No host network, process table, ports or paths."""
    yield from (field for field in ("hostNetwork", "hostPID", "hostIPC") if workload.pod.get(field))
    for volume in workload.pod.get("volumes", ()):
        yield from set(volume) - {"name"} - KINDS_OF_VOLUMES
    for container in workload.containers:
        yield from (f"hostPort {port['hostPort']}" for port in container.get("ports", ()) if "hostPort" in port)


@rule
def gains_no_privilege(workload: Workload) -> Iterator[str]:
    """Neither at start nor later, in no container."""
    for container in workload.containers:
        context = container.get("securityContext", {})
        if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
            yield f"{container['name']}: allowPrivilegeEscalation"


@rule
def has_no_capability(workload: Workload) -> Iterator[str]:
    """All dropped, none added."""
    for container in workload.containers:
        if _dig(container, "securityContext", "capabilities") != {"drop": ["ALL"]}:
            yield f"{container['name']}: capabilities"


@rule
def cannot_change_its_image(workload: Workload) -> Iterator[str]:
    """The root file system is read-only."""
    for container in workload.containers:
        if _dig(container, "securityContext", "readOnlyRootFilesystem") is not True:
            yield f"{container['name']}: readOnlyRootFilesystem"


@rule
def runs_a_known_version(workload: Workload) -> Iterator[str]:
    """A tag with a number, or a digest; never what `latest` happens to be."""
    for container in workload.containers:
        if not re.search(r":[0-9]+(\.[0-9]+)+(-[a-z0-9]+)?$|@sha256:[0-9a-f]{64}$", container["image"]):
            yield container["image"]


@rule
def has_memory_to_itself_and_no_more(workload: Workload) -> Iterator[str]:
    """A memory request and limit for each container."""
    for container in workload.containers:
        for kind in ("requests", "limits"):
            if not _dig(container, "resources", kind, "memory"):
                yield f"{container['name']}: {kind}.memory"


@rule
def is_never_throttled(workload: Workload) -> Iterator[str]:
    """A CPU request gives its share; a CPU limit would stall the fold although the node is idle."""
    for container in workload.containers:
        if not _dig(container, "resources", "requests", "cpu") or _dig(container, "resources", "limits", "cpu"):
            yield f"{container['name']}: cpu"


@rule
def fills_no_disk(workload: Workload) -> Iterator[str]:
    """Every scratch volume is bounded."""
    for volume in workload.pod.get("volumes", ()):
        if "emptyDir" in volume and not volume["emptyDir"].get("sizeLimit"):
            yield volume["name"]


@rule
def says_how_it_is(workload: Workload) -> Iterator[str]:
    """Startup, readiness and liveness, each asking something else."""
    if workload.component in ("job", "sandbox"):
        return
    probes = [workload.main.get(f"{kind}Probe", {}) for kind in ("startup", "readiness", "liveness")]
    if {} in probes:
        yield "a probe is missing"
        return
    asked = [{kind: probe[kind] for kind in ("httpGet", "exec", "tcpSocket") if kind in probe} for probe in probes]
    if asked[1] == asked[2]:
        yield "liveness asks what readiness asks"
    if workload.component in ("service", "edge") and len({str(each) for each in asked}) < 3:
        yield "two probes ask the same"


@rule
def keeps_its_secrets_out_of_the_tree(workload: Workload) -> Iterator[str]:
    """Passwords and addresses that hold one come by reference."""
    for container, variable in workload.environment:
        if re.search(r"PASSWORD|DSN|REDIS_URL|SECRET$|TOKEN", variable["name"]) and "value" in variable:
            yield f"{container['name']}: {variable['name']}"


@rule
def asks_for_secrets_that_are_made(workload: Workload) -> Iterator[str]:
    """DEP-K8S-006: every referenced secret and key is one that `deploy.k8s.secrets` makes."""
    for container, variable in workload.environment:
        reference = _dig(variable, "valueFrom", "secretKeyRef")
        if reference and reference["key"] not in SECRETS.get(reference["name"], {}):
            yield f"{container['name']}: {reference['name']}/{reference['key']}"
    whole = [_dig(source, "secretRef", "name") for each in workload.containers for source in each.get("envFrom", ())]
    mounted = [_dig(volume, "secret", "secretName") for volume in workload.pod.get("volumes", ())]
    yield from (name for name in (*whole, *mounted) if name and name not in SECRETS)


@rule
def has_no_credentials_of_others(workload: Workload) -> Iterator[str]:
    """A service's secret is for that service; the operator's and everybody's passwords are for set-up and servers."""
    allowed = {"cleartide-gateway" if workload.component == "edge" else f"cleartide-{workload.name}"}
    if workload.name == "setup":
        allowed |= {"cleartide-postgres", "cleartide-nats"}
    if workload.name == "sandbox":
        allowed |= {"cleartide-nats"}
    used = {_dig(variable, "valueFrom", "secretKeyRef", "name") for _, variable in workload.environment}
    used |= {_dig(source, "secretRef", "name") for each in workload.containers for source in each.get("envFrom", ())}
    yield from (name for name in used if name and name not in allowed)


@rule
def sets_variables_that_are_read(workload: Workload) -> Iterator[str]:
    """A misspelt setting would be ignored in silence; one set twice would hide the other."""
    for container in workload.containers:
        names = [variable["name"] for variable in container.get("env", ())]
        yield from (name for name in names if name.startswith("CLEARTIDE_") and name not in KNOWN_VARIABLES)
        if len(set(names)) < len(names):
            yield f"{container['name']}: a variable is set twice"


@rule
def runs_a_module_that_exists(workload: Workload) -> Iterator[str]:
    """Containers of our image name a module of it."""
    for container in workload.containers:
        if container["image"].split(":")[0] == "cleartide":
            module = container["args"][0]
            if importlib.util.find_spec(module) is None:
                yield module


@rule
def sees_no_accidental_variables(workload: Workload) -> Iterator[str]:
    """The cluster's service links would set NATS_PORT and its like."""
    if workload.pod.get("enableServiceLinks") is not False:
        yield "enableServiceLinks"


@rule
def has_time_to_end(workload: Workload) -> Iterator[str]:
    """A service drains for 10 s and the edge 2 s more; the database writes its last checkpoint."""
    wanted = {"service": 15, "edge": 20, "database": 60, "bus": 30}.get(workload.component, 0)
    if workload.kind != "Job" and workload.pod.get("terminationGracePeriodSeconds", 0) < wanted:
        yield "terminationGracePeriodSeconds"


@rule
def selects_its_own_pods(workload: Workload) -> Iterator[str]:
    """The selector fits the template, and names what tells this workload from others."""
    if workload.kind == "Job":
        return
    wanted: Document = workload.object["spec"]["selector"]["matchLabels"]
    if not wanted.items() <= workload.labels.items() or "app.kubernetes.io/name" not in wanted:
        yield "selector"


@rule
def mounts_what_it_declares(workload: Workload) -> Iterator[str]:
    """No mount without its volume, no volume without a mount."""
    declared = {volume["name"] for volume in workload.pod.get("volumes", ())}
    declared |= {claim["metadata"]["name"] for claim in workload.object["spec"].get("volumeClaimTemplates", ())}
    mounted = {mount["name"] for container in workload.containers for mount in container.get("volumeMounts", ())}
    yield from declared ^ mounted


@rule
def is_labelled(workload: Workload) -> Iterator[str]:
    """With the recommended labels, on the object and on its pods."""
    wanted = {f"app.kubernetes.io/{name}" for name in ("name", "component", "part-of")}
    for labels in (workload.object["metadata"].get("labels", {}), workload.labels):
        yield from wanted - set(labels)
