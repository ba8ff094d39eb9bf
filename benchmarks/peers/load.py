"""Puts a load on a server by the generator in load/, and returns what it saw."""

import json
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers import environments
from benchmarks.peers.contenders import Contender
from benchmarks.peers.errors import WrongAnswerError
from benchmarks.peers.processes import family_of, on_cores, wait_until_at_rest
from benchmarks.peers.requests import Door

_PATIENCE_SECONDS = 180.0
_LONGER = (1, 3, 9)


@dataclass(frozen=True, slots=True)
class Stream:
    """Requests of one kind: at this rate a second, or without one as many as are answered."""

    door: Door
    connections: int = 16
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What one stream saw: requests a second, milliseconds, and as `busy` how many cores the server used.

    `refused` counts answers that were not 2xx, by status, and broken connections, by reason.
    """

    per_second: float
    p50: float = 0.0
    p99: float = 0.0
    busy: float = 0.0
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadGenerator:
    """The generator, on cores of its own; each load lasts so long after the warm-up."""

    folder: Path
    cores: Collection[int]
    warm_up_seconds: float
    seconds: float

    def run(
        self, contender: Contender, streams: Mapping[str, Stream], *, least_seconds: float = 0.0
    ) -> dict[str, Figures]:
        """Put the streams on the server, all at once, once it has answered one request of each kind as it should.

        Raises WrongAnswerError when the first answer is not as it should be, or when none comes.
        """
        for stream in streams.values():
            contender.check(stream.door)
        for longer in _LONGER:  # on a busy machine none of 16 slow sign-ins may be done in time
            seen = self._generate(contender, streams, longer * max(self.seconds, least_seconds))
            wait_until_at_rest(contender.process)
            if all(stream["answers"] for stream in seen["streams"].values()):
                return {name: _figures(stream, seen["serverBusy"]) for name, stream in seen["streams"].items()}
        raise WrongAnswerError(f"{contender.name}: nothing was answered: {seen}")

    def versions(self) -> str:
        """Return what it is, for the report."""
        return environments.installed_node(self.folder, "autocannon", "undici")

    def _generate(self, contender: Contender, streams: Mapping[str, Stream], seconds: float) -> dict[str, Any]:
        plan = {
            "url": contender.url,
            "warmUpSeconds": self.warm_up_seconds,
            "seconds": seconds,
            "processes": family_of(contender.process),
            "streams": {name: _planned(contender, stream) for name, stream in streams.items()},
        }
        with on_cores(self.cores):
            done = subprocess.run(
                ["node", "load.mjs"],  # noqa: S607 - whichever Node is first in the path
                cwd=self.folder,
                input=json.dumps(plan).encode(),
                stdout=subprocess.PIPE,
                check=True,
                timeout=self.warm_up_seconds + seconds + _PATIENCE_SECONDS,
            )
        seen: dict[str, Any] = json.loads(done.stdout)
        return seen


def prepare_load_generator(cores: Collection[int], *, warm_up_seconds: float, seconds: float) -> LoadGenerator:
    """Install the generator where it is not yet."""
    folder = environments.prepare_node("load", environments.HERE / "load")
    return LoadGenerator(folder, cores, warm_up_seconds, seconds)


def _planned(contender: Contender, stream: Stream) -> dict[str, Any]:
    requests = contender.sent_by_each(stream.door, stream.connections)
    chained = next((request for request in requests[0] if request.chain), None)
    return {
        "connections": stream.connections,
        "rate": stream.rate,
        "requests": [[request.planned() for request in each] for each in requests],
        "chain": chained and {"name": chained.chain, "forms": [each[0].form for each in requests]},
    }


def _figures(stream: Mapping[str, Any], busy: float) -> Figures:
    return Figures(stream["perSecond"], stream["p50"], stream["p99"], busy, stream["refused"])
