"""Clients that are not ours do everything that a client does against a running server, told only where it is."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.serving import serving

pytestmark = pytest.mark.interop

_PROGRAMS = Path(__file__).parent / "node"


@dataclass(frozen=True, slots=True)
class Account:
    """What a client in JavaScript is told."""

    issuer: str
    id: str
    secret: str
    method: str
    username: str
    password: str
    algorithm: str
    subject: str


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("ES256", "client_secret_basic"), id="ES256-basic"),
        pytest.param(("RS256", "client_secret_post"), id="RS256-post"),
        pytest.param(("EdDSA", "client_secret_basic"), id="EdDSA-basic"),
    ],
)
def account(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """Start a server that signs with the algorithm, with a confidential client and a user."""
    algorithm, method = request.param
    with serving(tmp_path_factory.mktemp("clients"), AUTH_TOKENS__ALGORITHM=algorithm) as server:
        headers = {"Authorization": f"Bearer {server.sign_in()}"}
        new_client = {
            "name": "Orders",
            "kind": "confidential",
            "grants": ["password", "refresh_token", "client_credentials"],
            "scopes": ["profile:read", "items:read"],
        }
        with httpx.Client(base_url=server.url) as http:
            client = http.post("/clients", json=new_client, headers=headers).json()
            new_user = {"email": "ann@example.com", "password": "correct horse battery staple"}
            user = http.post("/users", json=new_user).json()
        yield Account(
            issuer=server.url,
            id=client["client_id"],
            secret=client["client_secret"],
            method=method,
            username=new_user["email"],
            password=new_user["password"],
            algorithm=algorithm,
            subject=user["id"],
        )


def test_openid_client_signs_in_refreshes_introspects_and_revokes(
    account: Account, run_node: Callable[[Path, str], str]
) -> None:
    outcome = json.loads(run_node(_PROGRAMS / "openid-client.mjs", json.dumps(asdict(account))))

    good = {"active": True, "client_id": account.id, "scope": "items:read", "iss": account.issuer}
    assert outcome == {
        "sameDocument": True,
        "types": ["bearer"] * 4,
        "scopes": ["items:read profile:read", "items:read profile:read", "items:read", "items:read"],
        "expires": [600, 600],
        "rotated": True,
        "answeredAlike": True,
        "ownHasNoRefreshToken": True,
        "before": [{**good, "aud": [account.issuer]}, good],
        "after": [{"active": False}, {"active": False}],
        "goesOn": "accepted",
        "refused": dict.fromkeys(("used", "revoked", "wrongPassword"), "400 invalid_grant"),
    }


def test_oauth4webapi_finds_every_access_token_to_be_what_rfc_9068_asks_for(
    account: Account, run_node: Callable[[Path, str], str]
) -> None:
    outcome = json.loads(run_node(_PROGRAMS / "oauth4webapi.mjs", json.dumps(asdict(account))))

    judged = outcome["judged"]
    who = [(judged[name]["sub"], judged[name]["client_id"]) for name in ("signedIn", "refreshed", "own")]
    assert who == [(account.subject, account.id), (account.subject, account.id), (account.id, account.id)]
    assert judged["signedIn"]["sid"] == judged["refreshed"]["sid"]
    assert judged["refused"] == {
        "tampered": "OAUTH_INVALID_RESPONSE",
        "withoutSignature": "OAUTH_INVALID_RESPONSE",
        "forSomebodyElse": "OAUTH_JWT_CLAIM_COMPARISON_FAILED",
        "ofSomebodyElse": "OAUTH_JWT_CLAIM_COMPARISON_FAILED",
        "refreshToken": "OAUTH_INVALID_RESPONSE",
    }
    assert outcome["active"] == {"active": True, "token_type": "Bearer", **judged["refreshed"]}
    assert (outcome["inactive"], outcome["revoked"]) == ({"active": False}, "400 invalid_grant")
