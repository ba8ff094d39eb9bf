"""A verifier and an issuer, over real HTTP, from one end to the other."""

import pytest

from auth_service_client.async_verifier import AsyncVerifier
from auth_service_client.errors import InvalidTokenError
from auth_service_client.testing import LocalIssuer
from auth_service_client.verifier import Verifier


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
def test_a_good_token_is_accepted_and_refused_once_its_session_ended(algorithm: str) -> None:
    with LocalIssuer(algorithm=algorithm) as issuer, Verifier(issuer.settings()) as verifier:
        token = issuer.token(subject="ann", scopes="orders:read orders:write", roles=["admin"])

        accepted = verifier.verify(token)
        issuer.end_session(token)
        verifier.catch_up()

        assert accepted.subject == "ann"
        assert accepted.scopes == {"orders:read", "orders:write"}
        assert (accepted.roles, accepted.is_person) == (("admin",), True)
        with pytest.raises(InvalidTokenError, match="revoked"):
            verifier.verify(token)
        assert verifier.verify(issuer.token()).scopes == frozenset()


async def test_the_same_on_an_event_loop_and_without_a_socket() -> None:
    issuer = LocalIssuer()
    token = issuer.token()
    async with AsyncVerifier(issuer.settings(), transport=issuer.transport()) as verifier:
        await verifier.verify(token)
        issuer.end_session(token)
        await verifier.catch_up()

        with pytest.raises(InvalidTokenError, match="revoked"):
            await verifier.verify(token)
