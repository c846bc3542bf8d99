"""Requests from the API's own document, by the thousand, at a venue that runs: `make fuzz-api CASES=20000`.

Half of each operation's requests fit the document and half do not. Whatever is asked, the answer is never a 5xx, its
status is one that the document has for the operation, a failure has the one form, and a success the documented schema.
An operation without a wrong request is named as such; whatever else keeps requests from being made is a fault.
"""

import argparse
import asyncio
import itertools
import json
import re
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import jsonschema
import requests
import schemathesis
from cleartide.telemetry.logs import configure_logs
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from benchmarks.rooms import room
from services.gateway.edge.reference.document import JSON
from services.gateway.tests import answers
from services.gateway.tests.entrance import Entrance, EvmWallet, Installed, Person, serving
from tests.support.traffic import Traffic

SERVICES: Final = ("matching", "risk", "funding", "earnings", "analytics", "vaults", "ingestor", "product")
LEFT_OUT: Final = ("/alerts/stream", "/api/health")
"""The one never ends, the other says 503 of dependencies that this venue is without."""
ENDING: Final = ("/auth/sign-out", "/me/sessions")
ERROR_FORM: Final = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "detail"],
            "additionalProperties": False,
            "properties": {
                "code": {"type": "string", "pattern": "^[a-z0-9_]{1,64}$"},
                "message": {"type": "string"},
                "detail": {},
            },
        }
    },
}
SECONDS: Final = 60
RENEW_SECONDS: Final = 300
PATIENCE_SECONDS: Final = 20
"""For a service: whether answers are right is asked, not how soon they come, and a machine may have much else to do."""
TOLD: Final = 300
TOLD_EVERY: Final = 1_000


class Fuzz:
    """One run: how often each status came, every answer that must not be, and what could not be asked wrongly."""

    def __init__(
        self,
        url: str,
        session: dict[str, str],
        cases: int,
        *,
        every: int = 1,
        away: Sequence[str] = (),
        fixed: bool = False,
    ) -> None:
        """`every`: of the operations each so-manieth; `away`: services that do not run, whose 503 is right.

        `fixed`: the same requests each time.
        """
        self.url, self.session, self.cases = url, session, cases
        self.every, self.away, self.fixed = every, frozenset(away), fixed
        self.statuses: Counter[int] = Counter()
        self.faults: list[str] = []
        self.never_wrong: list[str] = []
        self._http = requests.Session()
        self._renewed = time.monotonic()
        self._document: dict[str, Any] = {}

    @property
    def told(self) -> str:
        """How many were asked so far, and what they were answered."""
        statuses = dict(sorted(self.statuses.items()))
        return f"{self.statuses.total()} requests: {statuses}, {len(self.faults)} faults"

    def run(self) -> None:
        """Every operation, those that end the session last."""
        self._document = self._http.get(f"{self.url}/api/openapi.json", timeout=SECONDS).json()
        found = []
        for result in schemathesis.openapi.from_dict(self._document).get_all_operations():
            if isinstance(result, Ok):
                found.append(result.ok())
            else:
                self.faults.append(f"the document has an operation that cannot be read: {result.err()}")
        found = [one for one in found if not one.path.endswith(LEFT_OUT)]
        found.sort(key=lambda one: one.path.startswith(tuple(f"/api/v1{path}" for path in ENDING)))
        found = found[:: self.every]
        each = -(-self.cases // (2 * len(found)))
        for operation, mode in itertools.product(found, (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)):
            name = f"{operation.method.upper()} {operation.path}"
            try:
                self._ask(operation, name, mode, each)
            except Unsatisfiable as error:
                if mode is GenerationMode.NEGATIVE and not _has_parts(self._document, name):
                    self.never_wrong.append(name)
                else:
                    self.faults.append(f"{name}: no {mode.value} request could be made: {error}"[:TOLD])

    def _ask(self, operation: Any, name: str, mode: GenerationMode, each: int) -> None:
        @settings(
            max_examples=each,
            deadline=None,
            database=None,
            derandomize=self.fixed,
            phases=[Phase.generate],
            suppress_health_check=[*HealthCheck],
            verbosity=Verbosity.quiet,
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            if "account" in (case.path_parameters or {}) and self.statuses.total() % 2:
                case.path_parameters["account"] = self.session["user"]
            given = case.as_transport_kwargs(base_url=self.url)
            headers = {**dict(given.pop("headers", None) or {}), "Authorization": f"Bearer {self._token()}"}
            try:
                request = self._http.prepare_request(requests.Request(headers=headers, **_sendable(given)))
            except (requests.RequestException, UnicodeError, ValueError):
                return  # what cannot be written as HTTP was not asked
            self._send(name, request)

        ask()

    def _token(self) -> str:
        """The session's; renewed long before its end, since a busy machine takes hours for it all."""
        if time.monotonic() - self._renewed > RENEW_SECONDS:
            asked = {"refresh_token": self.session["refresh"]}
            told = self._http.post(f"{self.url}/api/v1/auth/refresh", json=asked, timeout=SECONDS)
            if told.ok:  # unless what was asked last has ended the session
                pair = told.json()
                self.session |= {"token": pair["access_token"], "refresh": pair["refresh_token"]}
            self._renewed = time.monotonic()
        return self.session["token"]

    def _send(self, name: str, request: requests.PreparedRequest) -> None:
        try:
            answer = self._http.send(request, timeout=SECONDS)
        except UnicodeError:
            return  # a header field that HTTP cannot carry
        except requests.RequestException as error:
            self.faults.append(f"{name} {request.url}: {type(error).__name__} {error}"[:TOLD])
            return
        self.statuses[answer.status_code] += 1
        if self.statuses.total() % TOLD_EVERY == 0:
            print(self.told, flush=True)
        if (fault := self._fault(name, answer)) is not None:
            self.faults.append(f"{name} {answer.url}: {answer.status_code} {fault}; {answer.text[:TOLD]}")
            print(self.faults[-1], flush=True)

    def _fault(self, name: str, answer: requests.Response) -> str | None:
        """What is wrong with an answer."""
        if answer.status_code == 405:
            return None  # another method, or a path that a parameter has bent: not this operation
        method, path = name.split(" ", 1)
        told = self._document["paths"][path][method.lower()]["responses"].get(str(answer.status_code))
        if answer.status_code >= 500:
            return None if self._is_of_one_away(answer) else "is a failure of the server"
        if told is None:
            return "is not documented"
        if JSON not in answer.headers.get("Content-Type", ""):
            return None if answer.status_code < 400 else "is no JSON"
        if answer.status_code < 400:
            return _otherwise(method, path, answer.content)
        return next((f"has another form: {error.message}"[:TOLD] for error in _faults_of(answer.text)), None)

    def _is_of_one_away(self, answer: requests.Response) -> bool:
        error = answer.json()["error"]
        return error["code"] == "service_unavailable" and error["detail"]["service"] in self.away


def _faults_of(text: str) -> Any:
    return jsonschema.Draft202012Validator(ERROR_FORM).iter_errors(json.loads(text))


def _otherwise(method: str, path: str, content: bytes) -> str | None:
    try:
        answers.check(method, re.sub("[{}]", "", path), content)
    except AssertionError as error:
        return str(error)[:TOLD]
    return None


def _sendable(given: dict[str, Any]) -> dict[str, Any]:
    """What `requests` puts into a request, of what is to be sent."""
    parts = ("method", "url", "params", "data", "json", "files", "cookies")
    return {name: given[name] for name in parts if name in given}


def _has_parts(document: dict[str, Any], name: str) -> bool:
    """Whether a request of an operation has anything that could be wrong."""
    method, path = name.split(" ", 1)
    operation = document["paths"][path][method.lower()]
    return bool(operation.get("parameters") or operation.get("requestBody"))


def session_of(person: Person) -> dict[str, str]:
    """What a run needs of a person who has signed in."""
    tokens = person.session
    return {"user": person.user, "token": tokens["access_token"], "refresh": tokens["refresh_token"]}


async def fuzzed(door: Entrance, person: Person, cases: int) -> Fuzz:
    """The run, in a thread beside the edge."""
    fuzz = Fuzz(door.url, session_of(person), cases)
    await asyncio.to_thread(fuzz.run)
    return fuzz


async def main(cases: int) -> None:
    """Command line. SystemExit when anything was not as it must be."""
    configure_logs("fuzz", level="error")
    async with room() as installed, installed.client() as operator:
        for service in SERVICES:  # one by one: a busy machine starts seven at once too slowly
            await installed.start(service)
        async with serving(Installed(installed), installed) as door:
            user = (await door.sign_in(EvmWallet(7))).user
        most: dict[str, Any] = {
            "admin_users": (user,),
            "upstream_timeout_seconds": PATIENCE_SECONDS,
        }
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
    print(f"{fuzz.told}, in {seconds:.0f} s")
    if fuzz.never_wrong:
        print(f"no wrong request exists for {len(fuzz.never_wrong)}: {', '.join(fuzz.never_wrong)}")
    kinds = Counter(fault.partition(" http")[0] + fault.partition(": ")[2][:60] for fault in fuzz.faults)
    for fault, times in kinds.most_common(60):
        print(f"{times} x {fault}")
    for fault in fuzz.faults[:50]:
        print(fault)
    if fuzz.faults:
        raise SystemExit(f"{len(fuzz.faults)} answers that must not be")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m services.gateway.tests.fuzz")
    parser.add_argument("--cases", type=int, default=20_000)
    asyncio.run(main(parser.parse_args().cases))
