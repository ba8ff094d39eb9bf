"""A hostile request, who sends it, and what has to be true of its answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from httpx import Response

from auth_service.settings import Settings
from tests.support.openapi import JSON
from tests.support.service import Account, Service, assert_problem, bearer, running_service
from tests.support.snapshots import stored_rows

MARKER = "Tr0ub4dor&3"
"""Stands in everything hostile that has room for it: no answer may contain it."""


@dataclass(frozen=True, slots=True)
class Attack:
    """`{me}` and `{item}` in the path are the sender's own account and item."""

    method: str
    path: str
    status: int
    code: str
    content: str | bytes | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": JSON})


@dataclass(frozen=True, slots=True)
class Target:
    """A service with an administrator and an item; no attack changes anything, so one serves them all."""

    service: Service
    attacker: Account
    item_id: str

    async def send(self, attack: Attack) -> Response:
        path = attack.path.replace("{me}", str(self.attacker.id)).replace("{item}", self.item_id)
        headers = attack.headers if path.startswith("/oauth/") else {**bearer(self.attacker), **attack.headers}
        return await self.service.client.request(attack.method, path, content=attack.content, headers=headers)

    async def assert_nothing_happens(self, attack: Attack) -> None:
        """Send it; expect exactly this refusal, without a word of what was sent and with nothing stored."""
        before = await stored_rows(self.service)

        answer = await self.send(attack)

        if attack.path.startswith("/oauth/"):
            assert (answer.status_code, answer.json()["error"]) == (attack.status, attack.code), answer.text
            assert answer.headers["cache-control"] == "no-store"
        else:
            assert_problem(answer, attack.status, code=attack.code)
        assert MARKER not in answer.text + str(answer.headers)
        assert await stored_rows(self.service) == before


@asynccontextmanager
async def running_target(settings: Settings) -> AsyncIterator[Target]:
    async with running_service(settings) as service:
        attacker = await service.make_admin()
        item = await service.make_item(attacker)
        yield Target(service, attacker, item["id"])


def attack(name: str, method: str, path: str, status: int, code: str, *rest: Any, **fields: Any) -> Any:
    """Return one row of a table."""
    return pytest.param(Attack(method, path, status, code, *rest, **fields), id=name)
