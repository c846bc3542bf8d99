"""`python -m deploy.local.tests.small up`: the command line on a small table, real servers and one program."""

import sys

from deploy.local import build, cli
from deploy.local.logs import PumpedLog
from deploy.local.settings import ROOT, Settings
from deploy.local.tests.support import WEB, python
from deploy.local.units import Program, ProgramUnit, Unit


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
    return build.Plan([*servers, ProgramUnit(service, log=log, folder=ROOT)], whole.table)


if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[1:], plan))
