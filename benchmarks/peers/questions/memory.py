"""How much memory a server has at rest, and how much more when many people sign in at once."""

import asyncio
import sys
import time
from collections import Counter, defaultdict
from http import HTTPStatus

import httpx

from benchmarks.installation import table
from benchmarks.peers.contenders import Contender
from benchmarks.peers.dialects import OURS
from benchmarks.peers.field import Field
from benchmarks.peers.notebook import Mode
from benchmarks.peers.processes import forget_peak, peak_kib, resident_kib, wait_until_at_rest
from benchmarks.peers.question import EVERYBODY
from benchmarks.peers.requests import Door
from benchmarks.peers.sections import Panel, Section

_AT_ONCE = 64
_PATIENCE_SECONDS, _REST_SECONDS = 120.0, 2.0
_KIB, _MB = 1024, 1_000_000
_IDLE_MB, _ADDED_MB, _HASH_MB = 110.0, 20.0, 19 * 1024 * _KIB / _MB


class Memory:
    """Measured before anything else, of the process that answers; what is added is added to what it began with."""

    name = "memory"
    contenders = EVERYBODY
    modes = (Mode.UNPINNED,)

    def __init__(self) -> None:
        self._idle: dict[str, float] = {}
        self._used: dict[str, float] = {}
        self._added: dict[str, list[float]] = defaultdict(list)
        self._cores = 0

    def measure(self, field: Field) -> None:
        """Let everybody sign in at once, as often as there are repetitions."""
        self._cores = len(field.server_cores)
        time.sleep(_REST_SECONDS)
        for each in field.contenders:
            self._idle[each.name] = each.resident_at_start_kib * _KIB / _MB
            self._used[each.name] = resident_kib(each.process) * _KIB / _MB
        for _ in range(field.repetitions):
            for contender in field.contenders:
                self._added[contender.name].append(self._added_by_sign_ins(contender, field.refused))

    def section(self) -> Section:
        """Return the megabytes, and whether they are few enough."""
        text = (
            f"The process that answers, in MB (10^6 bytes), on {self._cores} cores: VmRSS after its start (this "
            "service: and one sign-in), then at rest after people registered and signed in, and how far above the "
            f"first the peak (VmHWM) of {_AT_ONCE} sign-ins at once is."
        )
        most_added = {who: max(added) for who, added in self._added.items()}
        figures = [(who, *(f"{each[who]:.0f}" for each in (self._idle, self._used, most_added))) for who in self._idle]
        shown = table(["who", "after the start", "at rest, used", f"{_AT_ONCE} sign-ins add"], figures)
        idle, added = self._idle[OURS.name], most_added[OURS.name]
        most = _HASH_MB * self._cores + _ADDED_MB
        goals = {
            f"idle at most {_IDLE_MB:g} MB ({idle:.0f})": idle <= _IDLE_MB,
            f"{_AT_ONCE} sign-ins at once add at most {most:.0f} MB ({added:.0f})": added <= most,
        }
        panels = [
            Panel("memory after the start", "MB", self._idle),
            Panel(f"{_AT_ONCE} sign-ins at once add", "MB", most_added),
        ]
        return Section("Memory", [text, shown], panels, goals)

    def _added_by_sign_ins(self, contender: Contender, refused: list[str]) -> float:
        forget_peak(contender.process)
        statuses = Counter(asyncio.run(_sign_in_at_once(contender)))
        refused += [
            f"{_AT_ONCE} sign-ins at once, {contender.name}: {count} times {status}"
            for status, count in statuses.items()
            if status != HTTPStatus.OK
        ]
        wait_until_at_rest(contender.process)
        added = peak_kib(contender.process) * _KIB / _MB - self._idle[contender.name]
        print(f"{_AT_ONCE} sign-ins at once, {contender.name}: {added:.0f} MB more", file=sys.stderr)
        return added


async def _sign_in_at_once(contender: Contender) -> list[int]:
    """Return the status of each answer."""
    requests = [each[0] for each in contender.sent_by_each(Door.SIGN_IN, _AT_ONCE)]
    limits = httpx.Limits(max_connections=_AT_ONCE)
    async with httpx.AsyncClient(base_url=contender.url, limits=limits, timeout=_PATIENCE_SECONDS) as client:
        sent = [
            client.request(each.method, each.path, headers=dict(each.headers), content=each.body) for each in requests
        ]
        return [answer.status_code for answer in await asyncio.gather(*sent)]
