"""What the token endpoint answers, and how it is asked."""

import base64

from httpx import Response

from tests.support.service import Account

FORM_TYPE = "application/x-www-form-urlencoded"
DESCRIPTIONS = {
    "invalid_request": "The request lacks a parameter, repeats one, or is not a form.",
    "invalid_client": "Client authentication failed.",
    "invalid_grant": "The credentials are not valid.",
    "unauthorized_client": "This client may not use this grant type.",
    "unsupported_grant_type": "This grant type is not supported here.",
    "invalid_scope": "At least one of the scopes does not exist or cannot be granted to you.",
    "slow_down": "Too many attempts. Try again later.",
    "invalid_target": "Tokens are not issued for this resource.",
}
BASIC_CHALLENGE = 'Basic realm="auth-service", charset="UTF-8"'


def basic(pair: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def assert_oauth_error(response: Response, error: str, *, status: int = 400) -> None:
    assert response.status_code == status, response.text
    assert response.json() == {"error": error, "error_description": DESCRIPTIONS[error]}
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["pragma"] == "no-cache"
    assert response.headers.get("www-authenticate") == (BASIC_CHALLENGE if status == 401 else None)


def form_for(path: str, account: Account) -> dict[str, str]:
    """Return the form with which `path` does something for `account`."""
    if path == "/oauth/token":
        return {"grant_type": "password", "username": account.email, "password": account.password}
    return {"token": account.token or "none"}
