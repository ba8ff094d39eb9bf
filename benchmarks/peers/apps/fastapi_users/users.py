"""Accounts and tokens of the peer built on fastapi-users: its defaults, and the JWT strategy."""

import uuid
from collections.abc import AsyncGenerator

from fastapi import Depends
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyUserDatabase

from db import User, get_user_db

SECRET = "a secret that is long enough for an HMAC of 256 bits"
LIFETIME_SECONDS = 24 * 3600  # its documentation has an hour, which a run may outlast


class UserRead(schemas.BaseUser[uuid.UUID]):
    """A user as the API shows it."""


class UserCreate(schemas.BaseUserCreate):
    """What a registration sends."""


class UserUpdate(schemas.BaseUserUpdate):
    """What a change sends."""


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    """What its documentation asks for, without the hooks that print."""

    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def get_user_manager(
    user_db: SQLAlchemyUserDatabase = Depends(get_user_db),
) -> AsyncGenerator[UserManager, None]:
    """Yield the manager for one request."""
    yield UserManager(user_db)


def get_jwt_strategy() -> JWTStrategy:
    """Return what makes and reads tokens."""
    return JWTStrategy(secret=SECRET, lifetime_seconds=LIFETIME_SECONDS)


auth_backend = AuthenticationBackend(
    name="jwt", transport=BearerTransport(tokenUrl="auth/jwt/login"), get_strategy=get_jwt_strategy
)
fastapi_users = FastAPIUsers[User, uuid.UUID](get_user_manager, [auth_backend])
current_active_user = fastapi_users.current_user(active=True)
