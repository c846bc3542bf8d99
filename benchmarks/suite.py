"""How long `make test` takes, and which tests its time goes to."""

import asyncio
import os
import re
import resource
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.report import Row, write
from tests.support.installation import ROOT

LARGEST = 12


async def run() -> None:
    """Measure and write `results/suite.json`. Raises RuntimeError when a test fails."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        started = time.perf_counter()
        tests = await asyncio.create_subprocess_exec("make", "test", f"ARGS=-q --junitxml={report}", cwd=ROOT)
        code = await tests.wait()
        seconds = time.perf_counter() - started
        if code != 0:
            raise RuntimeError("make test failed: its time says nothing")
        cases = [
            (_place(case.attrib["classname"]), float(case.attrib["time"]))
            for case in ElementTree.parse(report).iter("testcase")
        ]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = 100 * (used.ru_utime + used.ru_stime) / (seconds * (os.cpu_count() or 1))
    write("suite", [*_rows(seconds, cases), Row("suite.busy", busy, "% of all processors")])


def _place(classname: str) -> str:
    """The folder of a test's module below its service: `services.matching.tests.test_book` is services.matching."""
    folder = re.split(r"\.test_|\.Test", classname)[0]
    return folder.replace(".tests", "")


def _rows(seconds: float, cases: list[tuple[str, float]]) -> list[Row]:
    work: defaultdict[str, float] = defaultdict(float)
    for place, case_seconds in cases:
        work[place] += case_seconds
    total = sum(work.values())
    note = f"{total:.0f} s of tests on three workers; servers and processes of the tests share the cores with them"
    return [
        Row("suite.seconds", seconds, "s", aim="<= 300", note=note),
        Row("suite.tests", len(cases), "tests"),
        *(
            Row(f"suite.{place}", spent, "s of one worker")
            for place, spent in sorted(work.items(), key=lambda item: -item[1])[:LARGEST]
        ),
    ]
