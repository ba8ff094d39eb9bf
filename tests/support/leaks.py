"""Secrets that are planted or handed out, and the search for them in everything that a service writes."""

import base64
import itertools
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus

import httpx

_HANDED_OUT = {"access_token", "refresh_token", "mfa_token", "client_secret", "secret", "otpauth_uri", "recovery_codes"}
_SHORT, _LONG, _END = 8, 40, 20
_numbers = itertools.count(1)


@dataclass(slots=True)
class Secrets:
    """All that nobody may find anywhere; addresses are looked for where only ids may stand."""

    values: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)

    def plant(self, name: str) -> str:
        """Return a new secret, in which no encoding finds anything to change."""
        return self.keep(name, f"Planted{next(_numbers)}x{secrets.token_hex(8)}")

    def plant_address(self, name: str) -> str:
        address = f"{name}.{secrets.token_hex(6)}@example.com"
        self.addresses[address] = name
        return address

    def keep(self, name: str, secret: str) -> str:
        """Look for this one too; of what is long its end is enough, because a prefix may be anybody's."""
        self.values[secret] = name
        if len(secret) >= _LONG:
            self.values[secret[-_END:]] = f"{name} (its end)"
        return secret

    def found_in(self, text: str | bytes, *, but: frozenset[str] = frozenset()) -> set[str]:
        """Return the names of the secrets in a text, in whatever spelling."""
        return _found(self.values, _as_text(text), but)

    def addresses_in(self, text: str | bytes) -> set[str]:
        return _found(self.addresses, _as_text(text), frozenset())


def _found(wanted: dict[str, str], text: str, but: frozenset[str]) -> set[str]:
    lowered = text.lower()
    return {
        name
        for secret, name in wanted.items()
        if secret not in but and any(_stands_in(spelling, lowered) for spelling in _spellings(secret))
    }


@cache
def _spellings(secret: str) -> frozenset[str]:
    """Return them in small letters."""
    encoded = secret.encode()
    plain = {
        secret,
        secret.replace("-", ""),
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        ascii(secret)[1:-1],
    }
    binary = {encoded.hex(), base64.b64encode(encoded).decode().rstrip("=")} if len(secret) > _SHORT else set()
    return frozenset(spelling.lower() for spelling in plain | binary)


def _stands_in(secret: str, text: str) -> bool:
    """Take six digits for a code only where they are not a part of a longer number or of a moment."""
    if len(secret) > _SHORT:
        return secret in text
    return re.search(rf"(?<![\w.-]){re.escape(secret)}(?![\w-])", text) is not None


def _as_text(text: str | bytes) -> str:
    return text if isinstance(text, str) else text.decode("latin-1")


@dataclass(slots=True)
class Caller:
    """Sends requests, keeps every secret that an answer hands out, and finds those that it should not have shown."""

    client: httpx.Client
    secrets: Secrets
    leaks: list[str] = field(default_factory=list)
    _answers: list[tuple[str, str, frozenset[str]]] = field(default_factory=list)

    def send(self, method: str, path: str, *statuses: int, token: str = "", **parts: Any) -> httpx.Response:
        """Send it; any of the statuses will do."""
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **parts.pop("headers", {})}
        answer = self.client.request(method, path, headers=headers, **parts)
        assert answer.status_code in statuses, (method, path, answer.status_code, answer.text)
        is_json = answer.content and "json" in answer.headers["content-type"]
        handed_out = frozenset(_handed_out(answer.json())) if is_json else frozenset()
        for secret in handed_out:
            self.secrets.keep(f"what {path} handed out", secret)
        own = handed_out | {secret[-_END:] for secret in handed_out if len(secret) >= _LONG}
        self._answers.append((f"{method} {path.partition('?')[0]}", f"{answer.headers}\n{answer.text}", own))
        return answer

    def leaks_in_answers(self) -> list[str]:
        """Return what stood in the answers besides what each of them was there to hand out."""
        return [
            f"{request}: {found}"
            for request, text, own in self._answers
            if (found := self.secrets.found_in(text, but=own))
        ]


def _handed_out(body: Any) -> Iterator[str]:
    if isinstance(body, list):
        for each in body:
            yield from _handed_out(each)
    elif isinstance(body, dict):
        for name, value in body.items():
            if name in _HANDED_OUT:
                yield from [value] if isinstance(value, str) else value or []
            else:
                yield from _handed_out(value)
