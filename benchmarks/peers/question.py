"""What every question can do: measure in a field, and say what came of it."""

from collections.abc import Collection
from typing import Protocol

from benchmarks.peers.dialects import BETTER_AUTH, DJANGO_REST, FASTAPI_USERS, OURS
from benchmarks.peers.field import Field
from benchmarks.peers.notebook import Mode
from benchmarks.peers.sections import Section

EVERYBODY = [OURS.name, FASTAPI_USERS.name, DJANGO_REST.name, BETTER_AUTH.name]
SIGN_IN_SECONDS = 3.0
"""How long people sign in at least: the slowest peers take a second and more for each of 16 who wait."""
BOTH_MODES = [Mode.PINNED, Mode.UNPINNED]


class Question(Protocol):
    """One line of the comparison."""

    @property
    def name(self) -> str:
        """What `--only` calls it, and its picture."""
        ...

    @property
    def contenders(self) -> Collection[str]:
        """Whom it can be put to."""
        ...

    @property
    def modes(self) -> Collection[Mode]:
        """Where it is measured in a full run."""
        ...

    def measure(self, field: Field) -> None:
        """Measure in the mode of this field."""
        ...

    def section(self) -> Section:
        """Return its part of the report, once everything is measured."""
        ...
