"""Rotation under load: verifiers that know the JWKS address alone and refetch only by time refuse no good token."""

import itertools
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import jwt
import pytest

from tests.support.commands import Operator
from tests.support.replicas import Replica, running_replicas

ROTATIONS = 3
MAX_AGE_SECONDS = 1.0
TIMES = {
    "AUTH_TOKENS__JWKS_MAX_AGE": "PT1S",
    "AUTH_TOKENS__KEY_REFRESH_INTERVAL": "PT0.1S",
    "AUTH_TOKENS__KEY_DWELL": "PT1.6S",  # more than their sum, because two processors serve all of this
    "AUTH_TOKENS__KEY_ROTATION_INTERVAL": "PT0.2S",
}
PATIENCE_SECONDS = 30


@dataclass(slots=True)
class ForeignVerifier:
    """Another service: it fetches the keys from one replica or another, and keeps them for as long as it may."""

    replicas: Iterator[Replica]
    client: httpx.Client
    keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    fetched_at: float = float("-inf")

    def accepts(self, token: str) -> bool:
        if time.monotonic() >= self.fetched_at + MAX_AGE_SECONDS:
            self.fetched_at = time.monotonic()
            answer = self.client.get(f"{next(self.replicas).url}/.well-known/jwks.json")
            assert answer.headers["cache-control"] == "public, max-age=1"
            self.keys = {key.key_id or "": key for key in jwt.PyJWKSet.from_json(answer.text).keys}
        key = self.keys.get(signing_kid(token))
        issuer = "https://auth.example.com"
        return key is not None and bool(jwt.decode(token, key, algorithms=["ES256"], audience=issuer, issuer=issuer))


def signing_kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


@dataclass(slots=True)
class Load:
    """Everybody who uses the service; each round they refresh at every replica and show old and new tokens around."""

    replicas: list[Replica]
    client: httpx.Client
    turns: Iterator[Replica]
    verifiers: list[ForeignVerifier]
    tokens: dict[str, list[str]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)

    def rounds(self) -> Iterator[dict[str, bool]]:
        """Yield, for each key that signed one of the tokens shown in a round, whether everybody accepted them."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with ThreadPoolExecutor(len(self.replicas)) as people:
            while time.monotonic() < deadline:
                for token in people.map(self._refresh, self.replicas):
                    self.tokens.setdefault(signing_kid(token), []).append(token)
                yield {
                    kid: self._is_accepted_everywhere(tokens[-1]) and self._is_accepted_everywhere(tokens[0])
                    for kid, tokens in self.tokens.items()
                }
        raise AssertionError("it takes too long")

    def _refresh(self, replica: Replica) -> str:
        token, self.sessions[replica.url] = replica.refresh(self.client, self.sessions.get(replica.url))
        return token

    def _is_accepted_everywhere(self, token: str) -> bool:
        answer = next(self.turns).read_me(self.client, token)
        return answer.status_code == 200 and all(verifier.accepts(token) for verifier in self.verifiers)

    def accepting(self, token: str) -> int:
        """Return how many accept the token."""
        own = [replica.read_me(self.client, token).status_code == 200 for replica in self.replicas]
        return sum(own) + sum(verifier.accepts(token) for verifier in self.verifiers)


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_no_good_token_is_refused_over_rotations_and_none_is_accepted_after_the_removal(
    operator: Operator, migrated_database: str
) -> None:
    operator.environment.update({"AUTH_DATABASE__URL": migrated_database, **TIMES})
    with running_replicas(operator, 3) as replicas, httpx.Client() as client:
        turns = itertools.cycle(replicas)
        load = Load(replicas, client, turns, [ForeignVerifier(turns, client) for _ in range(5)])

        shown = list(itertools.takewhile(lambda _: len(load.tokens) <= ROTATIONS, load.rounds()))
        keys = json.loads(operator.run("keys", "list", "--json").stdout)
        revoked = next(iter(load.tokens))
        removed = operator.run("keys", "revoke", revoked)
        last = next(n for n in itertools.count(1) if n > 1000 or not load.accepting(load.tokens[revoked][-1]))
        after = [load.accepting(token) for token in load.tokens[revoked]]
        others = [load.accepting(tokens[-1]) for kid, tokens in load.tokens.items() if kid != revoked]

    assert [round_ for round_ in shown if not all(round_.values())] == []
    assert [key["state"] for key in keys].count("active") == [key["state"] for key in keys].count("next") == 1
    assert set(load.tokens) <= {key["kid"] for key in keys}
    assert (removed.code, removed.stderr) == (0, "")
    assert last <= 1000
    assert set(after) == {0}
    assert others == [8] * ROTATIONS
