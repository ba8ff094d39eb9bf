"""Whether answers give away who has an address: what is in them, how long they take, and what comes after them.

    PYTHONPATH=client .venv/bin/python -m benchmarks.equal_answers [--quick] [--sqlite]

One replica, which requires verified addresses, serves on one core; its mail goes by SMTP to a server that is a process
of its own. Sign-in, recovery, registration and resend take turns, in random order and one at a time, for addresses of
every kind. Each is asked for when the mail of the one before is sent. Right after each answer `/livez` is asked for
again and again: the worker composes and sends in the same process, and whoever watches may feel that.
"""

import argparse
import asyncio
import http.client
import itertools
import json
import multiprocessing
import random
import secrets
import sqlite3
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from statistics import median
from typing import Any
from urllib.parse import urlencode

import asyncpg

from benchmarks.installation import PASSWORD, Installation, describe_machine, running_installation, table
from tests.support.settings import NO_LIMITS
from tests.support.smtp import running_mailbox

GOAL_MILLISECONDS = 2.0
ADDRESSES, FOLLOWING, WARM_UP = 10, 10, 5
_SETTLE_SECONDS = 0.005
"""For the worker's goodbye to the mail server."""
_NOT_COMPARED = {"date", "x-request-id"}

UNKNOWN, ALSO_UNKNOWN = "nobody", "nobody (again)"
ACCOUNTS: Mapping[str, Mapping[str, object]] = {
    "active": {"email_verified": True},
    "unverified": {},
    "disabled": {"email_verified": True, "is_active": False},
    "without a password": {"email_verified": True, "password": None},
}
Ask = Callable[[str], tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Case:
    """A request about an address, and what is stored about that."""

    request: str
    kind: str
    ask: Ask
    addresses: Iterator[str]


@dataclass(slots=True)
class Figures:
    """What was seen, in milliseconds, by request and kind of address."""

    answers: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    took: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    after: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))


def main(*, times: int, sqlite: bool) -> None:
    """Measure, print, and fail when a goal is missed."""
    with ExitStack() as exits:
        mail = exits.enter_context(_mail_server())
        settings = {**_settings(), **mail}
        installation = exits.enter_context(running_installation(replicas=1, settings=settings, sqlite=sqlite, core=0))
        queued, version = exits.enter_context(_watching(installation.database_url, sqlite=sqlite))
        connection = http.client.HTTPConnection("127.0.0.1", installation.ports[0])
        figures = _measure(connection, _make_cases(connection, installation), queued, times)
        missed = _report(figures, times, version)
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


def _settings() -> dict[str, str]:
    """Return throttles that let all of this through, and strictness. Hashes are cheap, so that they hide nothing."""
    limits = {name: str(limit) for name, limit in NO_LIMITS.items() if name != "storage"}
    return {
        **{f"AUTH_THROTTLE__{name.upper()}": limit for name, limit in limits.items()},
        "AUTH_ACCOUNTS__VERIFIED_EMAIL_REQUIRED": "true",
    }


@contextmanager
def _mail_server() -> Iterator[dict[str, str]]:
    """Yield the settings of mail that goes to a process of its own."""
    spawning = multiprocessing.get_context("spawn")
    here, there = spawning.Pipe()
    process = spawning.Process(target=_take_mail, args=(there,), daemon=True)
    process.start()
    yield {f"AUTH_MAIL__{name.upper()}": str(value) for name, value in here.recv().items()}
    here.send("enough")
    process.join()


def _take_mail(pipe: Connection) -> None:
    with running_mailbox() as mailbox:
        pipe.send(mailbox.settings)
        pipe.recv()


@contextmanager
def _watching(url: str, *, sqlite: bool) -> Iterator[tuple[Callable[[], int], str]]:
    """Yield what counts the mail that is queued, and what the database calls itself."""
    count = "SELECT count(*) FROM outbox"
    if sqlite:
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        yield lambda: int(connection.execute(count).fetchone()[0]), f"SQLite {sqlite3.sqlite_version}"
        connection.close()
        return
    with asyncio.Runner() as runner:
        server = runner.run(asyncpg.connect(url))
        version = server.get_settings().server_version.split()[0]
        yield lambda: int(runner.run(server.fetchval(count))), f"PostgreSQL {version}"
        runner.run(server.close())


def _make_cases(connection: http.client.HTTPConnection, installation: Installation) -> list[Case]:
    """Make accounts of every kind, others for each request: what one leaves behind is no other's."""
    asks: Mapping[str, Ask] = {
        "sign-in": lambda address: _sign_in(address, "not this one"),
        "recovery": lambda address: _post_json("/password-recoveries", email=address),
        "registration": lambda address: _post_json("/users", email=address, password=PASSWORD),
        "resend": lambda address: _post_json("/email-verifications", email=address),
    }
    cases: list[Case] = []
    for request, ask in asks.items():
        cases += [Case(request, kind, ask, itertools.cycle(_addresses())) for kind in (UNKNOWN, ALSO_UNKNOWN)]
        for kind, fields in ACCOUNTS.items():
            addresses = _addresses()
            for address in addresses:
                created = json.dumps({"email": address, "password": PASSWORD, **fields})
                headers = {"Content-Type": "application/json", **installation.administrator}
                _send(connection, ("/users", created, ""), headers=headers)
            cases.append(Case(request, kind, ask, itertools.cycle(addresses)))
            if request == "sign-in" and kind in {"unverified", "disabled"}:
                right = Case(request, f"{kind}, right password", lambda a: _sign_in(a, PASSWORD), cases[-1].addresses)
                cases.append(right)
    return cases


def _addresses() -> list[str]:
    return [f"{secrets.token_hex(6)}@example.com" for _ in range(ADDRESSES)]


def _sign_in(address: str, password: str) -> tuple[str, str, str]:
    form = urlencode({"grant_type": "password", "username": address, "password": password})
    return "/oauth/token", form, "application/x-www-form-urlencoded"


def _post_json(path: str, **body: str) -> tuple[str, str, str]:
    return path, json.dumps(body), "application/json"


def _send(
    connection: http.client.HTTPConnection,
    request: tuple[str, str, str],
    *,
    headers: Mapping[str, str] | None = None,
) -> tuple[bytes, float]:
    """Return the answer but for what is meant to differ, and the milliseconds until the last byte of it was there."""
    path, body, content_type = request
    began = time.perf_counter()
    connection.request("POST", path, body, dict(headers or {"Content-Type": content_type}))
    answer = connection.getresponse()
    content = answer.read()
    took = 1000 * (time.perf_counter() - began)
    if answer.status >= http.client.INTERNAL_SERVER_ERROR or answer.status == http.client.TOO_MANY_REQUESTS:
        raise RuntimeError(f"{path}: {answer.status} {content!r}")
    compared = [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in _NOT_COMPARED]
    return "\r\n".join([f"{answer.status} {answer.reason}", *compared, "", ""]).encode() + content, took


def _measure(
    connection: http.client.HTTPConnection, cases: Sequence[Case], queued: Callable[[], int], times: int
) -> Figures:
    figures = Figures()
    for case in [*cases] * WARM_UP:
        _measure_once(connection, case, queued, Figures())
    for _ in range(times):
        for case in random.sample(cases, len(cases)):  # what else the machine does meets all of them alike
            _measure_once(connection, case, queued, figures)
    return figures


def _measure_once(
    connection: http.client.HTTPConnection, case: Case, queued: Callable[[], int], figures: Figures
) -> None:
    while queued():
        time.sleep(_SETTLE_SECONDS)
    time.sleep(_SETTLE_SECONDS)
    answer, took = _send(connection, case.ask(next(case.addresses)))
    began = time.perf_counter()
    for _ in range(FOLLOWING):
        connection.request("GET", "/livez")
        connection.getresponse().read()
    after = 1000 * (time.perf_counter() - began)
    figures.answers[case.request].add(answer)
    figures.took[case.request][case.kind].append(took)
    figures.after[case.request][case.kind].append(after)


def _report(figures: Figures, times: int, version: str) -> list[str]:
    """Print everything, and return the goals that were missed."""
    print("# Answers that do not tell who has an address\n")
    print(f"{describe_machine(version)} {times} requests of each kind, in random order; milliseconds.\n")
    print("The difference is that of the medians, to an address that nobody has. Lines with “again” are the control:")
    print("half of those addresses compared with the other half. What it shows is noise.\n")
    print("## The answers\n")
    worst = _report_table(figures.took)
    print(f"\n## The {FOLLOWING} requests of `/livez` right after the answer, together\n")
    worst_after = _report_table(figures.after)
    goals: dict[str, Any] = {
        "each request has one answer, byte by byte but for Date and X-Request-ID": all(
            len(answers) == 1 for answers in figures.answers.values()
        ),
        f"the medians are within {GOAL_MILLISECONDS:g} ms (worst: {worst:.2f})": worst < GOAL_MILLISECONDS,
        f"so are those of what follows (worst: {worst_after:.2f})": worst_after < GOAL_MILLISECONDS,
    }
    print()
    for goal, met in goals.items():
        print(f"- Goal: {goal}: {'met' if met else 'MISSED'}.")
    return [goal for goal, met in goals.items() if not met]


def _report_table(figures: Mapping[str, Mapping[str, Sequence[float]]]) -> float:
    """Print the medians, and return the largest difference but the control's."""
    rows, worst = [], 0.0
    for request, kinds in sorted(figures.items()):
        unknown = median([*kinds[UNKNOWN], *kinds[ALSO_UNKNOWN]])
        rows.append((request, "nobody, all", f"{unknown:.2f}", "", ""))
        control = median(kinds[ALSO_UNKNOWN]) - median(kinds[UNKNOWN])
        rows.append((request, ALSO_UNKNOWN, f"{median(kinds[ALSO_UNKNOWN]):.2f}", f"{control:+.2f}", "control"))
        for kind in sorted(kinds.keys() - {UNKNOWN, ALSO_UNKNOWN}):
            difference = median(kinds[kind]) - unknown
            worst = max(worst, abs(difference))
            verdict = "yes" if abs(difference) < GOAL_MILLISECONDS else "NO"
            rows.append((request, kind, f"{median(kinds[kind]):.2f}", f"{difference:+.2f}", verdict))
    print(table(("request", "address", "median", "difference", "within 2 ms"), rows))
    return worst


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="ask less often")
    parser.add_argument("--sqlite", action="store_true", help="over SQLite instead of PostgreSQL")
    arguments = parser.parse_args()
    main(times=40 if arguments.quick else 200, sqlite=arguments.sqlite)
