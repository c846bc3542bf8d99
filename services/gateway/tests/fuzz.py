"""Requests from the API's own document, by the thousand, at a venue that runs: `make fuzz-api CASES=20000`.

Half of each operation's requests fit the document and half do not. Whatever is asked, the answer is never a 5xx.
"""

import argparse
import asyncio
import itertools
import time
from collections import Counter
from contextlib import suppress
from typing import Any, Final

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import HypothesisException
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from benchmarks.rooms import room
from services.gateway.tests.entrance import Entrance, EvmWallet, Installed, Person, serving
from tests.support.traffic import Traffic

SERVICES: Final = ("matching", "risk", "funding", "earnings", "analytics", "vaults", "ingestor", "product")
LEFT_OUT: Final = ("/alerts/stream", "/api/health")
"""The one never ends, the other says 503 of dependencies that this venue is without."""
ENDING: Final = ("/auth/sign-out", "/me/sessions")
SECONDS: Final = 30


class Fuzz:
    """One run: how often each status came, and every answer that must not be."""

    def __init__(self, url: str, session: dict[str, str], cases: int) -> None:
        self.url, self.session, self.cases = url, session, cases
        self.statuses: Counter[int] = Counter()
        self.faults: list[str] = []
        self._http = requests.Session()

    def run(self) -> None:
        """Every operation, those that end the session last."""
        document = self._http.get(f"{self.url}/api/openapi.json", timeout=SECONDS).json()
        schema = schemathesis.openapi.from_dict(document)
        found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
        found = [one for one in found if not one.path.endswith(LEFT_OUT)]
        found.sort(key=lambda one: one.path.startswith(tuple(f"/api/v1{path}" for path in ENDING)))
        each = -(-self.cases // (2 * len(found)))
        for operation, mode in itertools.product(found, (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)):
            with suppress(HypothesisException):  # a request without parts has nothing that could be wrong
                self._ask(operation, mode, each)

    def _ask(self, operation: Any, mode: GenerationMode, each: int) -> None:
        known = {"user": self.session["user"]}

        @settings(
            max_examples=each,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=[*HealthCheck],
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            if "account" in (case.path_parameters or {}) and self.statuses.total() % 2:
                case.path_parameters["account"] = known["user"]
            given = case.as_transport_kwargs(base_url=self.url)
            given["headers"] = {**dict(given.get("headers") or {}), "Authorization": f"Bearer {self.session['token']}"}
            try:
                answer = self._http.request(**given, timeout=SECONDS)
            except (requests.RequestException, UnicodeError, ValueError) as error:
                # What cannot be sent as HTTP was not asked; what was asked and not answered in time is a fault.
                if isinstance(error, requests.Timeout):
                    self.faults.append(f"{operation.method} {operation.path}: no answer in {SECONDS} s")
                return
            self.statuses[answer.status_code] += 1
            if answer.status_code >= 500:
                self.faults.append(f"{operation.method} {answer.url}: {answer.status_code} {answer.text[:300]}")

        ask()


async def fuzzed(door: Entrance, person: Person, cases: int) -> Fuzz:
    """The run, in a thread beside the edge."""
    fuzz = Fuzz(door.url, {"user": person.user, "token": person.session["access_token"]}, cases)
    await asyncio.to_thread(fuzz.run)
    return fuzz


async def main(cases: int) -> None:
    """Command line. SystemExit when an answer was a 5xx."""
    async with room() as installed, installed.client() as operator:
        for service in SERVICES:  # one by one: a busy machine starts seven at once too slowly
            await installed.start(service)
        async with serving(Installed(installed), installed) as door:
            user = (await door.sign_in(EvmWallet(7))).user
        most: dict[str, Any] = {"admin_users": (user,), "access_token_seconds": 3_600}
        async with serving(Installed(installed), installed, **most) as door:
            async with door.truth.acting() as truth:
                await truth.change("users", {"id": user}, scopes=["venue:read"], tier="enterprise")
            person = await door.sign_in(EvmWallet(7))
            traffic = Traffic(operator, accounts=("maker",))
            await traffic.open_market()
            await traffic.deposit(person.user, "100000")
            started = time.monotonic()
            fuzz = await fuzzed(door, person, cases)
    seconds = time.monotonic() - started
    print(f"{fuzz.statuses.total()} requests in {seconds:.0f} s: {dict(sorted(fuzz.statuses.items()))}")
    for fault in fuzz.faults[:50]:
        print(fault)
    if fuzz.faults:
        raise SystemExit(f"{len(fuzz.faults)} answers that must not be")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m services.gateway.tests.fuzz")
    parser.add_argument("--cases", type=int, default=20_000)
    asyncio.run(main(parser.parse_args().cases))
