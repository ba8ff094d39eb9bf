"""Questions that every replica is asked over and over, past the balancer: who answers what, and how soon."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from chaos.installation import ADMINISTRATOR, PASSWORD, Installation

_PAUSE_SECONDS = 0.25
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Probe:
    """A request; `needs_database` says whether its answer has to be refused while the database is away.

    An answer that is shared is refused no later than `shared_seconds` afterwards.
    """

    method: str
    path: str
    needs_database: bool = True
    shared_seconds: float = 0
    body: Mapping[str, object] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one; `status` is None when no answer came. Times are seconds of one monotonic clock."""

    probe: Probe
    url: str
    began: float
    ended: float
    status: int | None
    retry_after: str | None = None

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


_SIGN_IN = {"grant_type": "password", "username": ADMINISTRATOR, "password": PASSWORD}
_PERSON = {"email": "prober@example.com", "password": PASSWORD}  # whose session no sign-in of the probes ends
PROBES: Sequence[Probe] = (
    Probe("GET", "/livez", needs_database=False),
    Probe("GET", "/.well-known/jwks.json", needs_database=False),
    Probe("GET", "/readyz", shared_seconds=1),
    Probe("GET", "/users/me"),
    Probe("GET", "/items"),
    Probe("POST", "/items", body={"title": "A blue bicycle"}),
    Probe("POST", "/oauth/token", form=_SIGN_IN),
)


@asynccontextmanager
async def probing(installation: Installation) -> AsyncIterator[list[Answer]]:
    """Ask each replica each question every quarter of a second; yield the answers so far, which grow."""
    async with httpx.AsyncClient(timeout=_PATIENCE_SECONDS) as client:
        url = installation.replicas[0].url
        (await client.post(f"{url}/users", json=_PERSON)).raise_for_status()
        form = {**_SIGN_IN, "username": _PERSON["email"]}
        token = (await client.post(f"{url}/oauth/token", data=form)).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        answers = list[Answer]()
        asking = [
            asyncio.create_task(_keep_asking(client, replica.url, probe, answers))
            for replica in installation.replicas
            for probe in PROBES
        ]
        try:
            yield answers
        finally:
            for each in asking:
                each.cancel()
            await asyncio.gather(*asking, return_exceptions=True)


async def _keep_asking(client: httpx.AsyncClient, url: str, probe: Probe, answers: list[Answer]) -> None:
    while True:
        answers.append(await _ask(client, url, probe))
        await asyncio.sleep(_PAUSE_SECONDS)


async def _ask(client: httpx.AsyncClient, url: str, probe: Probe) -> Answer:
    began = time.monotonic()
    request = client.build_request(
        probe.method,
        f"{url}{probe.path}",
        json=probe.body or None,
        data=probe.form or None,
    )
    if probe.form:
        del request.headers["Authorization"]  # who signs in has none yet
    try:
        answer = await client.send(request)
    except httpx.TransportError:
        return Answer(probe, url, began, time.monotonic(), None)
    return Answer(probe, url, began, time.monotonic(), answer.status_code, answer.headers.get("retry-after"))
