"""How the same thing is asked of this service and of each peer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from benchmarks.peers.requests import Door, Request, get, post_form, send_json

PASSWORD = "correct horse battery staple"
ITEM = {"title": "A blue bicycle", "description": "Ridden twice.", "price": 129.5}
CHANGE = {"price": 99.5}
_ACCOUNT, _ITEM = ("id", "email"), ("id", "title", "description", "price")

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Dialect:
    """The paths and bodies of one of them; where it has no items or no refresh, those are None."""

    name: str
    sign_in: Callable[[str], Request]
    credentials: Callable[[httpx.Response], Headers]
    read_me: Callable[[Headers], Request]
    register: Callable[[str], Request] | None = None
    items: str | None = None
    slash: str = ""
    refresh: Callable[[httpx.Response], Request] | None = None
    documents: Mapping[Door, Request] = field(default_factory=dict)

    def create_item(self, headers: Headers) -> Request:
        """Return what creates an item."""
        return send_json("POST", f"{self.items}{self.slash}", ITEM, _ITEM, headers)

    def read_item(self, item: object, headers: Headers) -> Request:
        """Return what reads an item by its id."""
        return get(f"{self.items}/{item}{self.slash}", _ITEM, headers)

    def update_item(self, item: object, headers: Headers) -> Request:
        """Return what changes an item by its id."""
        return send_json("PATCH", f"{self.items}/{item}{self.slash}", CHANGE, _ITEM, headers)


def _bearer(field_name: str) -> Callable[[httpx.Response], Headers]:
    return lambda answer: {"Authorization": f"Bearer {answer.json()[field_name]}"}


def _cookie(answer: httpx.Response) -> Headers:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in _raw_cookies(answer))}


def _raw_cookies(answer: httpx.Response) -> list[list[str]]:
    return [line.partition(";")[0].split("=", 1) for line in answer.headers.get_list("set-cookie")]


OURS = Dialect(
    name="auth-service",
    sign_in=lambda address: post_form(
        "/oauth/token",
        {"grant_type": "password", "username": address, "password": PASSWORD},
        ["access_token", "refresh_token"],
    ),
    credentials=_bearer("access_token"),
    read_me=lambda headers: get("/users/me", _ACCOUNT, headers),
    register=lambda address: send_json("POST", "/users", {"email": address, "password": PASSWORD}, _ACCOUNT, {}),
    items="/items",
    refresh=lambda answer: post_form(
        "/oauth/token",
        {"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"]},
        ["access_token", "refresh_token"],
        chain="refresh_token",
    ),
    documents={
        Door.JWKS: get("/.well-known/jwks.json", ["keys"]),
        Door.METADATA: get("/.well-known/oauth-authorization-server", ["issuer", "jwks_uri"]),
    },
)

FASTAPI_USERS = Dialect(
    name="fastapi-users",
    sign_in=lambda address: post_form(
        "/auth/jwt/login", {"username": address, "password": PASSWORD}, ["access_token", "token_type"]
    ),
    credentials=_bearer("access_token"),
    read_me=lambda headers: get("/users/me", _ACCOUNT, headers),
    register=lambda address: send_json(
        "POST", "/auth/register", {"email": address, "password": PASSWORD}, _ACCOUNT, {}
    ),
    items="/items",
)

DJANGO_REST = Dialect(
    name="Django REST framework",
    sign_in=lambda address: send_json(
        "POST", "/api/token/", {"username": address, "password": PASSWORD}, ["access", "refresh"], {}
    ),
    credentials=_bearer("access"),
    read_me=lambda headers: get("/api/users/me/", _ACCOUNT, headers),
    items="/api/items",
    slash="/",
    # SimpleJWT keeps a refresh token until it expires, unless rotation is switched on.
    refresh=lambda answer: send_json(
        "POST", "/api/token/refresh/", {"refresh": answer.json()["refresh"]}, ["access"], {}
    ),
)

BETTER_AUTH = Dialect(
    name="better-auth",
    sign_in=lambda address: send_json(
        "POST", "/api/auth/sign-in/email", {"email": address, "password": PASSWORD}, ["token", "user"], {}
    ),
    credentials=_cookie,
    read_me=lambda headers: get("/api/auth/get-session", ["session", "user"], headers),
    register=lambda address: send_json(
        "POST",
        "/api/auth/sign-up/email",
        {"name": "Ann Example", "email": address, "password": PASSWORD},
        ["token", "user"],
        {},
    ),
    documents={Door.JWKS: get("/api/auth/jwks", ["keys"])},
)
