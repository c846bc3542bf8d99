"""Passwords and configuration files of an installation in containers."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
from cleartide.bus.permissions import OPERATOR, USERS, VIEWER, users
from cleartide.bus.streams import SERVICES
from cleartide.ops.settings import OpsSettings

from deploy.compose import config, secrets
from deploy.compose.passwords import POOLS, generate, nats_variable, variables
from deploy.k8s import secrets as cluster
from deploy.tests.rendering import SCRIPTS

PASSWORDS = generate()


def read_env(path: Path) -> dict[str, str]:
    """The variables of an environment file."""
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


class TestPasswords:
    def test_there_is_one_for_each_user_role_and_server(self, tmp_path: Path) -> None:
        """Made in one command, different each, and safe inside an address; the gateway's secret with them."""
        assert secrets.main(["--file", str(tmp_path / ".env")]) == 0
        made = read_env(tmp_path / ".env")
        assert list(made) == variables()
        assert len(set(made.values())) == len(made) == 3 + len(SERVICES) + len(USERS) + 2 * len(POOLS)
        assert all(len(value) == 32 and set(value) <= set(map(chr, range(45, 123))) for value in made.values())

    def test_the_file_is_for_its_owner_alone(self, tmp_path: Path) -> None:
        """Nobody else on the machine reads it."""
        secrets.main(["--file", str(tmp_path / ".env")])
        assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600

    def test_a_second_run_keeps_the_first_passwords(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """They are in the volumes already: new ones would lock everybody out."""
        secrets.main(["--file", str(tmp_path / ".env")])
        before = (tmp_path / ".env").read_text()
        assert secrets.main(["--file", str(tmp_path / ".env")]) == 1
        assert (tmp_path / ".env").read_text() == before
        assert "left alone" in capsys.readouterr().err

    def test_an_older_file_gets_what_it_lacks_and_keeps_the_rest(self, tmp_path: Path) -> None:
        """DEP-CONFIG-003: asked for by --add; whoever comes from an older version has no password for a second pool."""
        path = tmp_path / ".env"
        secrets.main(["--file", str(path)])
        made = read_env(path)
        old = {name: value for name, value in made.items() if not name.endswith("_RISK_2")}
        path.write_text("".join(f"{name}={value}\n" for name, value in old.items()) + "FEED=live\n")
        assert secrets.main(["--file", str(path), "--add"]) == 0
        now = read_env(path)
        assert set(now) == {*made, "FEED"}
        assert now.items() >= old.items()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_two_pools_are_one_choice(self, tmp_path: Path) -> None:
        """DEP-COMPOSE-007: the file says how many there are, and lets Compose start the second."""
        secrets.main(["--file", str(tmp_path / ".env"), "--risk-pools", "2"])
        made = read_env(tmp_path / ".env")
        assert (made["CLEARTIDE_RISK_POOLS"], made["COMPOSE_PROFILES"]) == ("2", "pools")

    def test_without_a_file_they_are_printed(self, capsys: pytest.CaptureFixture[str]) -> None:
        """So that a container may make them for a machine without Python."""
        assert secrets.main([]) == 0
        assert [line.split("=")[0] for line in capsys.readouterr().out.splitlines()] == variables()


class TestFiles:
    def test_each_is_written_for_its_reader_alone(self, tmp_path: Path) -> None:
        """Three files, readable by the container's user only."""
        names = ("nats", "valkey", "setup")
        assert config.main([part for name in names for part in (f"--{name}", str(tmp_path / name))], PASSWORDS) == 0
        assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in names} == {0o600}

    def test_only_what_was_asked_for_is_written(self, tmp_path: Path) -> None:
        """A pod of the cache holds the cache's password and no other."""
        own = {"VALKEY_PASSWORD": PASSWORDS["VALKEY_PASSWORD"]}
        assert config.main(["--valkey", str(tmp_path / "valkey.conf")], own) == 0
        assert [path.name for path in tmp_path.iterdir()] == ["valkey.conf"]
        assert f"requirepass {own['VALKEY_PASSWORD']}" in (tmp_path / "valkey.conf").read_text().splitlines()

    def test_a_missing_password_is_named(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """And nothing is written."""
        without = {name: value for name, value in PASSWORDS.items() if name != "NATS_PASSWORD_RISK"}
        assert config.main(["--nats", str(tmp_path / "nats.conf")], without) == 1
        assert "NATS_PASSWORD_RISK is not set" in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []

    def test_the_set_up_reads_its_file(self, tmp_path: Path) -> None:
        """By the operator tools' own settings."""
        config.main(["--setup", str(tmp_path / "secrets.json")], PASSWORDS)
        settings = OpsSettings(admin_dsn="", secrets_file=tmp_path / "secrets.json")
        assert set(settings.role_passwords()) == {*SERVICES, *POOLS}


class TestNats:
    def test_the_server_accepts_the_configuration(self, tmp_path: Path) -> None:
        """DEP-CONFIG-001: judged by nats-server itself."""
        document = config.nats_configuration(PASSWORDS)
        document["jetstream"]["store_dir"] = str(tmp_path / "store")
        (tmp_path / "nats.conf").write_text(json.dumps(document))
        command = [str(SCRIPTS / "nats-server"), "--config", str(tmp_path / "nats.conf"), "-t"]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ})
        assert answer.returncode == 0, answer.stderr

    def test_what_is_acknowledged_is_on_disk(self) -> None:
        """DEP-CONFIG-002: the server's default would sync two minutes later."""
        assert config.nats_configuration(PASSWORDS)["jetstream"]["sync_interval"] == "always"

    def test_its_users_are_those_of_the_permission_table(self) -> None:
        """DEP-CONFIG-001: names, passwords and rights; nobody without a password."""
        written = {user["user"]: user for user in config.nats_configuration(PASSWORDS)["authorization"]["users"]}
        assert set(written) == {*USERS, *POOLS}
        for user in users({name: PASSWORDS[nats_variable(name)] for name in (*USERS, *POOLS)}):
            assert written[user.name]["password"] == user.password
            assert written[user.name]["permissions"]["publish"]["allow"] == list(user.publish)
            assert written[user.name]["permissions"]["subscribe"]["allow"] == list(user.subscribe)
        assert written[VIEWER]["permissions"]["publish"]["allow"] != [">"]
        assert written[OPERATOR]["permissions"]["publish"]["allow"] == [">"]

    def test_it_listens_inside_its_container(self) -> None:
        """On the ports that compose and the cluster name; its data where the volume is."""
        document = config.nats_configuration(PASSWORDS)
        assert (document["listen"], document["http"]) == ("0.0.0.0:4222", "0.0.0.0:8222")
        assert document["jetstream"]["store_dir"].startswith("/data/nats/")


class TestClusterSecrets:
    def test_they_are_manifests_of_one_namespace(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Ready for `kubectl create -f -`."""
        assert cluster.main(["--namespace", "elsewhere"]) == 0
        manifest = json.loads(capsys.readouterr().out)
        assert {item["metadata"]["namespace"] for item in manifest["items"]} == {"elsewhere"}
        assert {item["kind"] for item in manifest["items"]} == {"Secret"}

    def test_they_name_the_database_that_is_meant(self) -> None:
        """One of our own or another's."""
        found = cluster.secrets(PASSWORDS, "db.example:5432/clearing")
        assert found["cleartide-risk"]["postgres-dsn"].endswith("@db.example:5432/clearing")
        assert found["cleartide-postgres"]["admin-dsn"].endswith("@db.example:5432/clearing")
