"""Answers that a caller may have already (RFC 9110 section 13)."""

from collections.abc import Callable

from fastapi import Response


def answer_unless_fresh(
    body: Callable[[], bytes | str], *, media_type: str, etag: str, cache_control: str, if_none_match: str | None
) -> Response:
    """Return `body()`, or a 304 without it for a caller who has what `etag` names.

    Weak and strong tags compare alike.
    """
    headers = {"Cache-Control": cache_control, "ETag": etag}
    if if_none_match is not None and (if_none_match.strip() == "*" or etag.removeprefix("W/") in if_none_match):
        return Response(status_code=304, headers=headers)
    return Response(body(), media_type=media_type, headers=headers)
