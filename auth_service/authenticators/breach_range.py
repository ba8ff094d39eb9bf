"""Asks a service that knows stolen passwords whether one is among them, without telling it which (k-anonymity)."""

import asyncio
import logging
import unicodedata
from functools import cached_property
from hashlib import sha1

import httpx
import structlog
from pydantic import SecretStr

from auth_service.version import VERSION

log = structlog.get_logger()
logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every address: there is a part of a digest in ours

_TIMEOUT_SECONDS = 1.0
_PREFIX_DIGITS = 5
_MOST_BYTES = 1_048_576  # a padded answer has some fifty thousand


class BreachRange:
    """The client of a range API. Close it with `close`.

    It is told five hexadecimal digits of the SHA-1 of the password, which a million other passwords share as well, and
    answers with the rest of the digest of all it knows, one a line with how often each was seen. Lines that were seen
    never are padding, so that not even the length of the answer tells others which prefix was asked for.
    """

    def __init__(self, range_url: str) -> None:
        """Ask at `range_url`, to which the prefix is added."""
        self._range_url = range_url

    async def contain(self, password: SecretStr) -> bool:
        """Say whether the password was stolen somewhere; when nobody answers in a second, it counts as new.

        Never ask in a transaction: it would wait for a stranger's service.
        """
        composed = unicodedata.normalize("NFC", password.get_secret_value())
        digest = sha1(composed.encode(), usedforsecurity=False).hexdigest().upper()
        prefix, rest = digest[:_PREFIX_DIGITS], digest[_PREFIX_DIGITS:]
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                answer = await self._fetch(f"{self._range_url.rstrip('/')}/{prefix}")
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            log.warning("breached_passwords.unavailable", cause=type(error).__name__)
            return False
        return any(_names(line, rest) for line in answer.splitlines())

    async def close(self) -> None:
        """Close the connections, if there are any."""
        if "_client" in self.__dict__:
            await self._client.aclose()

    async def _fetch(self, url: str) -> str:
        async with self._client.stream("GET", url) as response:
            response.raise_for_status()
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise ValueError("the answer does not end")
        return body.decode("ascii")

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        """Made when it is first needed: reading the certificates of the authorities takes a while."""
        headers = {"Add-Padding": "true", "User-Agent": f"auth-service/{VERSION}"}
        return httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, headers=headers)


def _names(line: str, rest: str) -> bool:
    """Say whether `line` is that of the digest that ends in `rest`, and not padding."""
    known, _, seen = line.partition(":")
    return known.strip().upper() == rest and seen.strip() not in {"", "0"}
