"""Conditional requests (RFC 9110 section 13.1.2)."""


def is_fresh(etag: str, if_none_match: str | None) -> bool:
    """Say whether the caller has the representation that `etag` names; weak and strong tags compare alike."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag.removeprefix("W/") in if_none_match
