"""Which language mail is written in: the best of what its reader asked for and there are templates in."""

import re
from collections.abc import Collection

_RANGE = re.compile(r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")
_LONGEST_HEADER = 1_000


def choose_language(accepted: str | None, available: Collection[str], *, default: str) -> str:
    """Look up an Accept-Language header (RFC 9110 section 12.5.4) by RFC 4647 section 3.4; it may be nonsense."""
    by_tag = {language.lower(): language for language in available}
    for wanted in _by_preference((accepted or "")[:_LONGEST_HEADER]):
        subtags = wanted.lower().split("-")
        for length in range(len(subtags), 0, -1):
            found = by_tag.get("-".join(subtags[:length]))
            if found is not None:
                return found
    return default


def _by_preference(accepted: str) -> list[str]:
    ranges = []
    for part in accepted.split(","):
        match = _RANGE.fullmatch(part)
        if match is not None and (quality := float(match[2] or 1)) > 0:
            ranges.append((quality, match[1]))
    return [tag for _quality, tag in sorted(ranges, key=lambda each: -each[0])]
