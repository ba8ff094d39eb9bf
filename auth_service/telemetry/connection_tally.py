"""The connections of a process in numbers: written by the one thread that serves, read by any."""

from collections import Counter


class ConnectionTally:
    """How many connections are open, how many may be, and how many were ended for something that their clients did."""

    def __init__(self) -> None:
        """Begin with nothing; without a server there is no limit."""
        self.open = 0
        self.limit: int | None = None
        self.refused: Counter[str] = Counter()
