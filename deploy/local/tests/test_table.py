"""The process table: who is told what, who waits for whom, and what the user's settings change. Nothing is started."""

import json
import socket
from pathlib import Path

import pytest
from cleartide.bus.streams import SERVICES as STREAM_SERVICES

from deploy.local import ports
from deploy.local.build import Plan, plan
from deploy.local.errors import PortTakenError, StackError
from deploy.local.markets import MARKETS
from deploy.local.run import closing_block
from deploy.local.settings import from_environment
from deploy.local.table import SERVICES
from deploy.local.tests.support import environment
from services.ingestor.settings import IngestorSettings
from services.ingestor.simulator.__main__ import parsed, traded_of


def made(home: Path, **variables: str) -> Plan:
    return plan(from_environment(environment(home) | variables), lambda _name, _line: None)


def names(plan: Plan) -> list[str]:
    return [unit.name for unit in plan.units]


class TestTable:
    def test_everything_is_in_it(self, tmp_path: Path) -> None:
        assert names(made(tmp_path)) == [
            *("postgres", "nats", "valkey", "setup", "simulator", "opening"),
            *(*SERVICES, "sandbox"),
        ]

    def test_it_knows_every_service_of_the_stream_table(self) -> None:
        assert set(SERVICES) == set(STREAM_SERVICES)

    def test_services_wait_for_the_setup_and_the_setup_for_the_servers(self, tmp_path: Path) -> None:
        after = {unit.name: unit.after for unit in made(tmp_path).units}
        assert after["setup"] == ("postgres", "nats", "valkey")
        assert after["ingestor"] == ("setup", "simulator", "opening")
        assert after["risk"] == ("setup",)
        assert after["sandbox"] == SERVICES

    def test_a_service_is_told_its_own_secrets_and_nobody_elses(self, tmp_path: Path) -> None:
        table = made(tmp_path).table
        programs = {program.name: program for program in table.programs()}
        for name in SERVICES:
            told = json.dumps(dict(programs[name].env))
            assert table.secrets.postgres_admin not in told
            assert {user for user, secret in table.secrets.nats_users.items() if secret in told} == {name}
            assert {role for role, secret in table.secrets.postgres_roles.items() if secret in told} == {name}

    def test_addresses_of_a_service(self, tmp_path: Path) -> None:
        table = made(tmp_path).table
        risk = next(program for program in table.programs() if program.name == "risk")
        dsn = risk.env["CLEARTIDE_POSTGRES_DSN"]
        assert dsn.startswith("postgresql://cleartide_risk:")
        assert dsn.endswith(f"@127.0.0.1:{table.ports['postgres']}/cleartide")
        urls = json.loads(risk.env["CLEARTIDE_SERVICE_URLS"])
        assert urls["gateway"] == f"http://127.0.0.1:{table.ports['gateway_health']}"
        assert set(urls) == set(SERVICES)
        assert risk.ready_port == table.ports["risk"]

    def test_every_port_is_known_by_the_setting_that_changes_it(self, tmp_path: Path) -> None:
        table = made(tmp_path, STANDBY="risk", CLEARTIDE_RISK_POOLS="2").table
        known = {name: port for program in table.programs() for name, port in program.listens.items()}
        servers = ("nats", "nats_monitor", "postgres", "valkey")
        chosen = {name: port for name, port in table.ports.items() if name not in servers}
        assert known == {f"CLEARTIDE_PORT_{name.upper()}": port for name, port in chosen.items()}


class TestVenues:
    def test_the_index_is_made_of_three_venues_of_which_two_must_agree(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """ING-IDX-030: the simulator plays what the ingestor follows."""
        programs = {program.name: program for program in made(tmp_path).table.programs()}
        for key, value in programs["ingestor"].env.items():
            monkeypatch.setenv(key, value)
        settings = IngestorSettings()
        assert len(settings.feeds) == 3
        assert [market.market for market in settings.index] == ["BTC-PERP", "ETH-PERP", "SOL-PERP"]
        for place, market in enumerate(settings.index):
            followed = [(venue, each.symbols[place]) for venue, each in settings.feeds.items()]
            assert [(source.venue, source.symbol) for source in market.sources] == followed
            assert market.min_sources == 2
        told = parsed(programs["simulator"].argv[3:])
        played = {venue: tuple(each.symbol for each in traded) for venue, traded in traded_of(told.venue).items()}
        assert played == {venue: each.symbols for venue, each in settings.feeds.items()}
        assert [path.name for path in told.recording] == [market.recording for market in MARKETS]

    def test_another_recording_is_the_first_markets(self, tmp_path: Path) -> None:
        """ING-IDX-030: the others stay."""
        programs = {program.name: program for program in made(tmp_path, RECORDING="mine.gz").table.programs()}
        told = parsed(programs["simulator"].argv[3:])
        assert [path.name for path in told.recording] == ["mine.gz", *(market.recording for market in MARKETS[1:])]

    def test_venues_of_the_users_own_go_before(self, tmp_path: Path) -> None:
        """ING-IDX-030"""
        chosen = made(tmp_path, CLEARTIDE_INGESTOR_VENUES="{}").table.programs()
        (ingestor,) = (program for program in chosen if program.name == "ingestor")
        assert ingestor.env["CLEARTIDE_INGESTOR_VENUES"] == "{}"


class TestSwitches:
    def test_a_live_feed_needs_no_simulator(self, tmp_path: Path) -> None:
        live = made(tmp_path, FEED="live")
        assert "simulator" not in names(live)
        ingestor = next(program for program in live.table.programs() if program.name == "ingestor")
        assert "CLEARTIDE_INGESTOR_SIMULATOR" not in ingestor.env
        assert ingestor.after == ("setup", "opening")

    def test_the_sandbox_can_be_left_out(self, tmp_path: Path) -> None:
        assert not {"sandbox", "opening"} & set(names(made(tmp_path, SANDBOX="0")))

    def test_a_standby_is_the_same_service_on_another_port(self, tmp_path: Path) -> None:
        """DEP-STANDBY-001: after the first process, with the same credentials; both are stopped for a rebuild."""
        table = made(tmp_path, STANDBY="matching, risk").table
        programs = {program.name: program for program in table.programs()}
        first, second = programs["matching"], programs["matching-standby"]
        assert second.after == ("matching",)
        assert second.argv == first.argv
        assert second.ready_port == int(second.env["CLEARTIDE_HTTP_PORT"]) != first.ready_port
        told = {key for key in first.env if first.env[key] != second.env[key]}
        assert told == {"CLEARTIDE_HTTP_PORT"}
        assert table.processes("matching") == ["matching-standby", "matching"]
        assert table.processes("funding") == ["funding"]
        assert "risk-standby" in programs

    def test_without_the_switch_there_is_none(self, tmp_path: Path) -> None:
        assert not [name for name in names(made(tmp_path)) if "standby" in name]

    @pytest.mark.parametrize("name", ["gateway", "nats", "matchin"])
    def test_a_standby_that_cannot_be_is_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(StackError, match=f"STANDBY names '{name}'"):
            made(tmp_path, STANDBY=name)

    def test_servers_of_ones_own_replace_the_embedded_ones(self, tmp_path: Path) -> None:
        own = made(
            tmp_path,
            CLEARTIDE_POSTGRES_DSN="postgresql://boss:p@db.example:6432/venue",
            CLEARTIDE_NATS_URL="nats://bus.example:4333",
            CLEARTIDE_REDIS_URL="redis://cache.example",
            CLEARTIDE_NATS_USER="shared",
            CLEARTIDE_NATS_PASSWORD="secret",
            CLEARTIDE_NATS_ADMIN_USER="chief",
            CLEARTIDE_NATS_ADMIN_PASSWORD="of all",
        )
        assert names(own)[0] == "setup"
        programs = {program.name: program for program in own.table.programs()}
        assert programs["setup"].env["CLEARTIDE_ADMIN_DSN"] == "postgresql://boss:p@db.example:6432/venue"
        assert programs["setup"].env["CLEARTIDE_NATS_ADMIN_USER"] == "chief"
        risk = programs["risk"].env
        assert "chief" not in risk.values()
        assert risk["CLEARTIDE_POSTGRES_DSN"].endswith("@db.example:6432/venue")
        assert "boss" not in risk["CLEARTIDE_POSTGRES_DSN"]
        assert (risk["CLEARTIDE_NATS_URL"], risk["CLEARTIDE_NATS_USER"]) == ("nats://bus.example:4333", "shared")
        assert programs["gateway"].env["CLEARTIDE_REDIS_URL"] == "redis://cache.example"
        assert "CLEARTIDE_REDIS_URL" not in risk, "the key to the cache is the edge's alone"

    def test_the_closing_block_says_where_everything_is(self, tmp_path: Path) -> None:
        plan = made(tmp_path)
        block = closing_block({"urls": plan.urls(), "folder": str(tmp_path), "seconds": 1.25})
        assert f"http://127.0.0.1:{plan.table.ports['gateway']}/" in block
        assert f"{tmp_path}/logs" in block
        assert "make down" in block


class TestPorts:
    def test_a_default_that_is_taken_is_moved_but_a_chosen_port_is_not(self) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            busy = other.getsockname()[1]
            assert ports.choose(busy, pinned=False, variable="CLEARTIDE_PORT_NATS") != busy
            with pytest.raises(PortTakenError, match=rf"Port {busy} is in use .* set CLEARTIDE_PORT_NATS"):
                ports.choose(busy, pinned=True, variable="CLEARTIDE_PORT_NATS")

    def test_a_default_gives_way_to_a_chosen_port(self, tmp_path: Path) -> None:
        free = ports.free_port()
        chosen = from_environment({"CLEARTIDE_HOME": str(tmp_path), "CLEARTIDE_PORT_GATEWAY": str(free)}).choose_ports()
        assert chosen["gateway"] == free
        assert len(set(chosen.values())) == len(chosen)

    def test_who_was_given_a_port_finds_nobody_there_who_was_given_one_later(self) -> None:
        given = [ports.free_port() for _ in range(1_000)]
        assert len(set(given)) == len(given)

    def test_processes_beside_each_other_are_given_ports_apart(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ports, "_places", ports._places)
        given = set()
        for part in range(3):
            ports.begin_at(part, 3)
            given |= {ports.free_port() for _ in range(100)}
        assert len(given) == 300
