"""What a bearer token gets, whatever is wrong with it."""

from httpx import Response

from tests.support.service import Service

SENTENCE = "The access token is invalid, expired or no longer accepted. Sign in again."


async def read_me(service: Service, token: str | bytes) -> Response:
    """Read one's own account with `token`, sent as it is."""
    raw = token if isinstance(token, bytes) else token.encode()
    return await service.client.get("/users/me", headers=[(b"Authorization", b"Bearer " + raw)])


def assert_invalid_token(response: Response) -> None:
    """Expect the one answer that every bad token gets (RFC 6750 section 3.1)."""
    assert response.status_code == 401, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["www-authenticate"] == (
        f'Bearer realm="auth-service", error="invalid_token", error_description="{SENTENCE}"'
    )
    assert response.json() == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": SENTENCE,
        "code": "invalid_token",
    }
