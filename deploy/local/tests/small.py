"""`python -m deploy.local.tests.small up`: the command line on a small table, real servers and one program."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields

from deploy.local import build, cli
from deploy.local.logs import PumpedLog
from deploy.local.settings import ROOT, Settings
from deploy.local.table import Table
from deploy.local.tests.support import WEB, python
from deploy.local.units import Program, ProgramUnit, Unit

OPERATION = """
import pathlib, sys, time
began = pathlib.Path(sys.argv[1]) / sys.argv[2]
began.touch()
print(" ".join(sys.argv[2:]))
while sys.argv[2] == "rebuild" and began.exists():
    time.sleep(0.02)
"""


@dataclass(frozen=True)
class SmallTable(Table):
    """Of one service, whose rebuild goes on until the file `rebuild` in the folder is gone."""

    @property
    def services(self) -> tuple[str, ...]:
        return ("web",)

    def operation(self, arguments: Sequence[str], deadline: float) -> Program:
        argv = python(OPERATION, str(self.settings.home.root), *arguments)
        return Program(arguments[0], argv, once=True, deadline=deadline)


def plan(settings: Settings, listener: build.LogListener) -> build.Plan:
    """The servers of the real plan, and a program that stands where the services do."""
    whole = build.plan(settings, listener)
    port = whole.table.ports["gateway"]
    service = Program(
        "web",
        python(WEB, str(port)),
        after=tuple(whole.table.servers),
        ready_port=port,
        ready_path="/health/ready",
    )
    servers: list[Unit] = [unit for unit in whole.units if unit.name in whole.table.servers]
    log = PumpedLog(settings.home.log("web"), lambda line: listener("web", line))
    table = SmallTable(**{field.name: getattr(whole.table, field.name) for field in fields(whole.table)})
    return build.Plan([*servers, ProgramUnit(service, log=log, folder=ROOT)], table)


if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[1:], plan))
