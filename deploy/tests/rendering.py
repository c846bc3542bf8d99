"""The deployment files as the engine or the cluster would read them."""

import re
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from cleartide.bus.streams import SERVICES
from cleartide.ops.settings import OpsSettings
from cleartide.settings import ServiceSettings

from services.gateway.settings import EdgeSettings, GatewaySettings
from services.ingestor.settings import IngestorSettings
from services.risk.settings import RiskSettings

ROOT: Final = Path(__file__).resolve().parents[2]
COMPOSE: Final = ROOT / "deploy" / "compose.yaml"
K8S: Final = ROOT / "deploy" / "k8s"
OVERLAYS: Final = ("base", "overlays/dev", "overlays/staging", "overlays/pools")
SCRIPTS: Final = Path(sysconfig.get_path("scripts"))

_VARIABLE: Final = re.compile(r"\$(?:(\$)|\{(\w+)(?:(:?[-?])([^}]*))?\})")
_SANDBOX: Final = {"CLEARTIDE_NATS_ADMIN_USER", "CLEARTIDE_NATS_ADMIN_PASSWORD"}
# The settings' own variables; whatever else is called CLEARTIDE_* would be ignored in silence.
KNOWN_VARIABLES: Final = _SANDBOX | {
    f"{model.model_config['env_prefix']}{field}".upper()
    for model in (ServiceSettings, EdgeSettings, GatewaySettings, IngestorSettings, RiskSettings, OpsSettings)
    for field in model.model_fields
}

Document = dict[str, Any]


class UnsetVariableError(Exception):
    """A variable without a default is not set."""


def interpolated(text: str, environment: Mapping[str, str]) -> str:
    """A value of compose.yaml with its variables replaced. Raises UnsetVariableError."""

    def value(match: "re.Match[str]") -> str:
        dollar, name, operator, default = match.groups()
        if dollar:
            return "$"
        found = environment.get(name)
        if found is None or (not found and operator is not None and operator.startswith(":")):
            if operator is None or operator.endswith("?"):
                raise UnsetVariableError(name)
            return str(default)
        return found

    return _VARIABLE.sub(value, text)


def variables_of(text: str) -> dict[str, str | None]:
    """Variable -> operator (`:?`, `:-`, `-` or None) of a value of compose.yaml."""
    return {name: operator for _, name, operator, _ in _VARIABLE.findall(text) if name}


@cache
def compose() -> Document:
    """compose.yaml with its anchors resolved and its variables as they stand."""
    document: Document = yaml.safe_load(COMPOSE.read_text())
    return document


@cache
def rendered(overlay: str) -> tuple[Document, ...]:
    """The objects of an overlay, as `kubectl apply -k` would send them."""
    command = [str(SCRIPTS / "kubectl"), "kustomize", str(K8S / overlay)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == "", "kustomize warns"
    return tuple(yaml.safe_load_all(answer.stdout))


@dataclass(frozen=True)
class Workload:
    """One StatefulSet, Deployment or Job."""

    object: Document

    @property
    def kind(self) -> str:
        """StatefulSet, Deployment or Job."""
        return str(self.object["kind"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.object["metadata"]["name"])

    @property
    def component(self) -> str:
        """What it is: service, edge, bus, database, cache, job or sandbox."""
        return str(self.labels["app.kubernetes.io/component"])

    @property
    def labels(self) -> Document:
        """Labels of its pods."""
        labels: Document = self.object["spec"]["template"]["metadata"]["labels"]
        return labels

    @property
    def pod(self) -> Document:
        """Its pod's specification."""
        pod: Document = self.object["spec"]["template"]["spec"]
        return pod

    @property
    def main(self) -> Document:
        """The one container that is not a helper."""
        (container,) = self.pod["containers"]
        found: Document = container
        return found

    @property
    def containers(self) -> list[Document]:
        """Every container, helpers included."""
        return [*self.pod.get("initContainers", ()), *self.pod["containers"]]

    @property
    def environment(self) -> Iterator[tuple[Document, Document]]:
        """(container, variable) of every variable that is set by itself."""
        for container in self.containers:
            for variable in container.get("env", ()):
                yield container, variable


def workloads(overlay: str) -> list[Workload]:
    """Everything that makes pods."""
    return [Workload(each) for each in rendered(overlay) if each["kind"] in ("StatefulSet", "Deployment", "Job")]


def services_of(overlay: str) -> tuple[str, ...]:
    """The names of its services' workloads: one each, and in one overlay a second pool of risk."""
    return (*SERVICES, "risk-2") if overlay == "overlays/pools" else SERVICES


def of_kind(overlay: str, kind: str) -> list[Document]:
    """Objects of one kind."""
    return [each for each in rendered(overlay) if each["kind"] == kind]


def selects(selector: Document, labels: Mapping[str, str]) -> bool:
    """Whether a label selector takes a set of labels."""
    exact = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return exact and all(
        {
            "In": labels.get(each["key"]) in each.get("values", ()),
            "NotIn": labels.get(each["key"]) not in each.get("values", ()),
            "Exists": each["key"] in labels,
            "DoesNotExist": each["key"] not in labels,
        }[each["operator"]]
        for each in selector.get("matchExpressions", ())
    )
