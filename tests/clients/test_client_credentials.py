"""Secrets of clients against what is stored of them."""

import pytest

from auth_service.clients.credentials import digest_client_secret, matches_digest


def test_a_secret_matches_its_digest() -> None:
    assert matches_digest("a secret", digest_client_secret("a secret"))
    assert not matches_digest("another", digest_client_secret("a secret"))


@pytest.mark.parametrize("secret", ["", "a secret", "\0" * 32])
@pytest.mark.parametrize("digest", [None, b""])
def test_nothing_matches_where_nothing_is_stored(secret: str, digest: bytes | None) -> None:
    assert not matches_digest(secret, digest)
