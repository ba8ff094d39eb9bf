"""What each replica uses now: memory, descriptors, connections to the database."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

from chaos.installation import Installation

_LOOKS, _LOOK_SECONDS = 20, 0.05
_CONNECTIONS = "SELECT application_name, count(*) FROM pg_stat_activity GROUP BY application_name"


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a replica."""

    resident_kib: int
    descriptors: int
    connections: int

    @property
    def descriptors_of_its_own(self) -> int:
        """Those that lead anywhere but to the database."""
        return self.descriptors - self.connections


async def sample_at_rest(installation: Installation, database_url: str) -> Mapping[str, Sample]:
    """Return, for each replica, the look with the fewest descriptors: the balancer's looks at it come and go."""
    looks = []
    for _ in range(_LOOKS):
        looks.append(await sample(installation, database_url))
        await asyncio.sleep(_LOOK_SECONDS)
    return {
        name: min((look[name] for look in looks), key=lambda each: each.descriptors_of_its_own) for name in looks[0]
    }


async def sample(installation: Installation, database_url: str) -> Mapping[str, Sample]:
    """Look at every replica, by name."""
    connection = await asyncpg.connect(database_url)
    try:
        connections = {str(name): int(count) for name, count in await connection.fetch(_CONNECTIONS)}
    finally:
        await connection.close()
    return {
        replica.name: Sample(replica.resident_kib(), replica.descriptors(), connections.get(replica.name, 0))
        for replica in installation.replicas
    }
