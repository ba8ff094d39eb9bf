"""The URLs that links and identifiers are built from: from the settings, never from a request."""

import re

_BASE_URL = re.compile(r"https?://([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")


def parse_base_url(url: str) -> str:
    """Return the URL without a slash at its end. Raises ValueError."""
    if not _BASE_URL.fullmatch(url):
        raise ValueError("it is not the URL of a service: scheme, host, nothing after the path")
    return url.rstrip("/")
