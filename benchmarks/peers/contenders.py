"""A running server with people who are signed in: everything that a load needs to know about it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import httpx

from benchmarks.peers.dialects import Dialect
from benchmarks.peers.processes import resident_kib
from benchmarks.peers.requests import Door, Request

READERS = [f"reader{number}@example.com" for number in range(16)]
"""They read and write; one for each connection."""
_AT_ONCE = 8

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Contender:
    """This service or a peer, ready to be measured."""

    dialect: Dialect
    url: str
    process: int
    versions: str
    resident_at_start_kib: int
    requests: Mapping[Door, Sequence[Request]]

    @property
    def name(self) -> str:
        """What it is called."""
        return self.dialect.name

    def opens(self, door: Door) -> bool:
        """Say whether this can be asked of it."""
        return door in self.requests

    def check(self, door: Door) -> None:
        """Ask once, before anything is measured. Raises WrongAnswerError."""
        self._ready_requests(door)[0].send(self.url)

    def sent_by_each(self, door: Door, connections: int) -> list[Sequence[Request]]:
        """Return what each connection sends, round and round: no two of them the same, if there are enough."""
        ready = self._ready_requests(door)
        return [ready[number % len(ready) :: connections] for number in range(connections)]

    def _ready_requests(self, door: Door) -> Sequence[Request]:
        """Return requests that are good now: a chain that an earlier load went on with needs a new beginning."""
        if self.requests[door][0].chain and self.dialect.refresh:
            return [self.dialect.refresh(answer) for answer in _sign_in(self.dialect, self.url)]
        return self.requests[door]


def make_contender(dialect: Dialect, url: str, process: int, versions: str, claimants: Sequence[str]) -> Contender:
    """Register people where the peer lets them, sign the readers in, give each an item."""
    resident = resident_kib(process)
    if register := dialect.register:
        _at_once(lambda address: register(address).send(url), [*READERS, *claimants])
    answers = _sign_in(dialect, url)
    headers = [dialect.credentials(answer) for answer in answers]
    requests: dict[Door, Sequence[Request]] = {
        Door.ME: [dialect.read_me(each) for each in headers],
        Door.SIGN_IN: [dialect.sign_in(address) for address in claimants],
        **{door: [request] for door, request in dialect.documents.items()},
    }
    if dialect.items is not None:
        create = [dialect.create_item(each) for each in headers]
        items = [request.send(url).json()["id"] for request in create]
        requests[Door.CREATE] = create
        requests[Door.ITEM] = [dialect.read_item(item, each) for item, each in zip(items, headers, strict=True)]
        requests[Door.UPDATE] = [dialect.update_item(item, each) for item, each in zip(items, headers, strict=True)]
    if refresh := dialect.refresh:
        requests[Door.REFRESH] = [refresh(answer) for answer in answers]
    return Contender(dialect, url, process, versions, resident, requests)


def _sign_in(dialect: Dialect, url: str) -> list[httpx.Response]:
    return _at_once(lambda address: dialect.sign_in(address).send(url), READERS)


def _at_once(act: Callable[[str], Result], addresses: Iterable[str]) -> list[Result]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(act, addresses))
