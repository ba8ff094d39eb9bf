"""One installation with its population, as the measurement of growth asks it: requests, and work in the background."""

import asyncio
import http.client
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import asyncpg
from starlette.requests import Request

from auth_service.api.pagination import Cursors
from auth_service.mail.repository import OutboxRepository
from auth_service.wiring.runtime import Runtime
from benchmarks.growth_cases import Case
from benchmarks.installation import PASSWORD, Installation
from tests.support.settings import make_settings

_FACTS = """
SELECT id AS user, (SELECT network FROM audit_events ORDER BY occurred_at DESC, id LIMIT 1) AS network,
    (SELECT id FROM items ORDER BY created_at LIMIT 1 OFFSET 10) AS item,
    (SELECT owner_id FROM items GROUP BY owner_id ORDER BY count(*) DESC LIMIT 1) AS collector,
    to_char(now() - interval '110 days', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_tenth,
    to_char(now() - interval '11 days', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_hundredth,
    to_char(now() - interval '985 days', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS first_tenth
FROM users WHERE email = 'person500@mail.example.com'
"""
_PEOPLE = """
SELECT email FROM users WHERE is_active AND NOT is_superuser AND email LIKE 'person%@mail.example.com'
ORDER BY created_at LIMIT 200
"""
_MIDDLE = {
    "created_at": "SELECT created_at, id FROM {table} ORDER BY created_at, id LIMIT 1 OFFSET {half}",
    "email": "SELECT email_normalized FROM {table} ORDER BY email_normalized LIMIT 1 OFFSET {half}",
}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(slots=True)
class Town:
    """An installation that serves `users` people; what it is asked returns milliseconds."""

    users: int
    installation: Installation
    connection: http.client.HTTPConnection
    facts: Mapping[str, str]
    people: Iterator[str]
    runtime: Runtime
    middles: Mapping[tuple[str, str], list[str]]
    _paths: dict[Case, str] = field(default_factory=dict)
    _refresh_token: str = ""

    @classmethod
    async def of(cls, users: int, installation: Installation) -> "Town":
        """Look up what the questions are about."""
        database = await asyncpg.connect(installation.database_url)
        facts = {name: str(value) for name, value in (await database.fetchrow(_FACTS)).items()}
        people = [row["email"] for row in await database.fetch(_PEOPLE)]
        middles = {}
        for table, rows in (("users", users), ("items", 2 * users)):
            for sort, statement in _MIDDLE.items():
                if (table, sort) != ("items", "email"):
                    row = await database.fetchrow(statement.format(table=table, half=rows // 2))
                    middles[f"/{table}", sort] = [str(value) for value in row]
        await database.close()
        connection = http.client.HTTPConnection("127.0.0.1", installation.ports[0])
        keys: dict[str, object] = {"master_keys": installation.environment["AUTH_SECURITY__MASTER_KEYS"]}
        tokens: dict[str, object] = {
            name.removeprefix("AUTH_TOKENS__").lower(): value
            for name, value in installation.environment.items()
            if name.startswith("AUTH_TOKENS__")
        }
        runtime = Runtime(make_settings(installation.database_url, security=keys, tokens=tokens))
        await runtime.load_keys()
        return cls(users, installation, connection, facts, itertools.cycle(people), runtime, middles)

    def get(self, case: Case) -> float:
        """Send the request of `case`."""
        path = self._paths.get(case) or self._paths.setdefault(case, self._path_of(case))
        took, _ = self._send("GET", path, None, self.installation.administrator)
        return took

    def sign_in(self) -> float:
        """Sign somebody in, somebody else each time."""
        form = {"grant_type": "password", "username": next(self.people), "password": PASSWORD}
        took, answer = self._send("POST", "/oauth/token", urlencode(form), _FORM)
        self._refresh_token = json.loads(answer)["refresh_token"]
        return took

    def refresh(self) -> float:
        """Refresh the session of whoever signed in last."""
        if not self._refresh_token:
            self.sign_in()
        form = {"grant_type": "refresh_token", "refresh_token": self._refresh_token}
        took, answer = self._send("POST", "/oauth/token", urlencode(form), _FORM)
        self._refresh_token = json.loads(answer)["refresh_token"]
        return took

    def background(self) -> Mapping[str, Callable[[], Awaitable[object]]]:
        """Return what every process does by itself, by name."""
        return {
            "look for what is over": self.runtime.forget_what_is_over,
            "look for mail that is due": self._look_for_mail,
            "sample password hashes": self.runtime.refresh_stand_ins,
            "reread the signing keys": self.runtime.tend_keys,
            "read the revocation feed": lambda: self.runtime._read_revocations(0, None),  # noqa: SLF001
        }

    async def _look_for_mail(self) -> None:
        async with self.runtime.unit_of_work(writing=True) as work:
            await OutboxRepository(work.session).claim(lease=self.runtime.settings.mail.lease)

    def _path_of(self, case: Case) -> str:
        path = case.path.format(**self.facts)
        query = [(name, value.format(**self.facts)) for name, value in case.query]
        if case.deep:
            sort = dict(query)["sort"].lstrip("-")
            scope = {"type": "http", "path": path, "query_string": urlencode(query).encode()}
            position = self.middles[path, sort]
            cursor = Cursors(Request(scope), self.runtime.cursor_box)._seal(position)  # noqa: SLF001
            query.append(("cursor", cursor))
        return f"{path}?{urlencode(query)}" if query else path

    def _send(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> tuple[float, bytes]:
        began = time.perf_counter()
        self.connection.request(method, path, body, dict(headers))
        answer = self.connection.getresponse()
        content = answer.read()
        took = 1000 * (time.perf_counter() - began)
        if answer.status != http.client.OK:
            raise RuntimeError(f"{self.users:,} users, {path}: {answer.status} {content!r}")
        return took, content


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    """Return how many milliseconds `work` takes."""
    began = time.perf_counter()
    await work()
    await asyncio.sleep(0)
    return 1000 * (time.perf_counter() - began)
