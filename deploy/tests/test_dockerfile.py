"""The one image: small rights, locked packages, every process of the system."""

import fnmatch
import importlib.util
import re
import subprocess
import tomllib

import pytest
from cleartide.bus.streams import SERVICES

from deploy.tests.rendering import ROOT, SCRIPTS

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()
IGNORED = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
# Continued lines joined, comments and blank lines gone.
STEPS = [
    line.split(maxsplit=1)
    for line in re.sub(r"\\\n\s*", "", DOCKERFILE).splitlines()
    if line.strip() and not line.startswith("#")
]
LAST_STAGE = STEPS[max(index for index, step in enumerate(STEPS) if step[0] == "FROM") :]


def arguments(instruction: str, steps: list[list[str]] | None = None) -> list[str]:
    """What follows an instruction, each time it is used."""
    return [step[1] for step in (STEPS if steps is None else steps) if step[0] == instruction]


def test_the_base_image_is_one_argument_of_both_stages() -> None:
    """So that one --build-arg, with a digest, pins both."""
    assert arguments("ARG")[0] == "PYTHON_IMAGE=python:3.11-slim"
    assert [each.split()[0] for each in arguments("FROM")] == ["${PYTHON_IMAGE}"] * 2


def test_the_base_image_runs_the_python_that_the_project_asks_for() -> None:
    """The lowest version that the project supports, which the lock was made for."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert wanted == ">=3.11"


def test_packages_come_from_the_lock_and_are_verified() -> None:
    """DEP-IMAGE-001: by hash, as wheels, without resolving anything; our own package without an index."""
    installs = [run for run in arguments("RUN") if "pip install" in run]
    assert "--require-hashes --no-deps --only-binary :all:" in installs[0]
    assert installs[0].endswith("-r requirements.lock")
    assert "--no-deps --no-build-isolation --no-index" in installs[1]
    assert len(installs) == 2


def test_embedded_servers_and_build_tools_are_left_out() -> None:
    """What the lock holds for other uses does not reach the last stage."""
    embedded = (ROOT / "requirements" / "embedded.in").read_text()
    build = (ROOT / "requirements" / "build.in").read_text()
    names = [line.split("==")[0] for line in (embedded + build).splitlines() if line and not line.startswith("#")]
    (removal,) = [run for run in arguments("RUN") if "pip uninstall" in run]
    assert set(names) <= set(removal.split())


def test_it_runs_as_nobody_in_particular() -> None:
    """DEP-IMAGE-002: A fixed uid above the system's own, no shell, no home."""
    assert arguments("USER", LAST_STAGE) == ["10001:10001"]
    (made,) = [run for run in arguments("RUN", LAST_STAGE) if "useradd" in run]
    assert "--shell /usr/sbin/nologin" in made and "--no-create-home" in made
    assert not any("chmod" in run or "sudo" in run for run in arguments("RUN", LAST_STAGE))


def test_it_needs_nothing_writable() -> None:
    """DEP-IMAGE-002: bytecode is compiled while building and never again, so the root may be read-only."""
    assert any("compileall" in run for run in arguments("RUN"))
    assert "PYTHONDONTWRITEBYTECODE=1" in arguments("ENV", LAST_STAGE)[0]


def test_folders_of_volumes_belong_to_its_user() -> None:
    """A fresh volume takes the owner of the folder it is mounted on."""
    (made,) = [run for run in arguments("RUN", LAST_STAGE) if "install --directory" in run]
    assert "--owner 10001 --group 10001 --mode 0700" in made
    assert {"/config/nats", "/config/valkey", "/config/setup", "/data/nats"} <= set(made.split())


@pytest.mark.parametrize(
    "module", [f"services.{name}" for name in SERVICES] + ["cleartide.ops", "deploy.compose.config"]
)
def test_the_command_chooses_the_process(module: str) -> None:
    """`docker run cleartide services.risk`: the entry point runs a module, in exec form, so that signals arrive."""
    assert arguments("ENTRYPOINT") == ['["python", "-m"]']
    assert importlib.util.find_spec(f"{module}.__main__" if module != "deploy.compose.config" else module)


def test_no_secret_is_baked_in() -> None:
    """Neither in the environment nor in an argument."""
    for text in (*arguments("ENV"), *arguments("ARG"), *arguments("LABEL")):
        assert not re.search(r"password|secret|token|dsn", text, re.IGNORECASE)


def test_nothing_is_fetched_beside_packages() -> None:
    """No downloads, no system packages, no remote ADD."""
    assert not arguments("ADD")
    assert not any(re.search(r"curl|wget|apt-get|git clone", run) for run in arguments("RUN"))


def sent_to_the_builder(path: str) -> bool:
    """Whether the build context holds a path; the last rule that fits decides."""
    verdict = True
    for rule in IGNORED:
        if not rule or rule.startswith("#"):
            continue
        pattern = rule.removeprefix("!")
        parts = path.split("/")
        prefixes = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        tails = parts if pattern.startswith("**/") else []
        if any(fnmatch.fnmatch(each, pattern) for each in prefixes) or any(
            fnmatch.fnmatch(each, pattern.removeprefix("**/")) for each in tails
        ):
            verdict = rule.startswith("!")
    return verdict


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("requirements.lock", True),
        ("libs/common/cleartide/service.py", True),
        ("services/risk/app.py", True),
        ("services/risk/migrations/0001_risk.sql", True),
        ("deploy/local/nats.py", True),
        ("deploy/local/recordings/binance_usdm_btcusdt_20240808.gz", True),
        ("deploy/k8s/secrets.py", True),
        ("deploy/.env", False),
        (".cleartide/secrets.json", False),
        (".git/config", False),
        (".venv/bin/python", False),
        ("services/risk/tests/test_health.py", False),
        ("services/risk/__pycache__/app.cpython-311.pyc", False),
        ("docs/README.md", False),
    ],
)
def test_the_builder_gets_what_it_needs_and_nothing_private(path: str, sent: bool) -> None:
    """Passwords, history and tests never leave this machine."""
    assert sent_to_the_builder(path) is sent


def test_everything_copied_is_sent_to_the_builder() -> None:
    """A COPY of what the context leaves out would fail only while building."""
    for copied in arguments("COPY"):
        if "--from=" not in copied:
            for source in copied.split()[:-1]:
                assert sent_to_the_builder(source.removeprefix("./")), source
                assert (ROOT / source).exists(), source


def test_the_linter_finds_nothing() -> None:
    """Hadolint, without any rule waived."""
    linter, dockerfile = SCRIPTS / "hadolint", ROOT / "deploy" / "Dockerfile"
    answer = subprocess.run([str(linter), str(dockerfile)], capture_output=True, check=False)
    assert answer.returncode == 0, answer.stdout.decode()
