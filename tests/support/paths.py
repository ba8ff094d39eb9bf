"""Paths with their placeholders filled in."""

from collections import defaultdict
from uuid import uuid4


def fill(path: str, **ids: object) -> str:
    """Put `ids` into the placeholders of `path`; one that is not named is of something that does not exist."""
    return path.format_map(defaultdict(uuid4, {"client_id": "client_missing", **ids}))
