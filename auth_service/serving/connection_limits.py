"""What a client may do with a connection before it is cut off."""

from dataclasses import dataclass

MOST_HEADERS = 1_000
HEAD_BYTES = 131_072
SPARE = 8
"""So many connections there may be beyond the limit, for the probes of whoever watches over the process."""

_CHUNK_OVERHEAD = 8  # a body in chunks of a byte is six times as long on the wire


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of one connection, and how many there may be."""

    receive_seconds: float
    idle_seconds: float
    connections: int
    body_bytes: int

    @property
    def request_bytes(self) -> int:
        """The most that may arrive of one request, with its head and whatever surrounds its chunks."""
        return HEAD_BYTES + _CHUNK_OVERHEAD * self.body_bytes
