"""The kinds of security events, and where a request that causes one comes from."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AuditEvent(StrEnum):
    """What can happen."""

    SIGN_IN = "sign_in"
    CLIENT_SIGN_IN = "client.sign_in"
    REFRESH = "refresh"
    REFRESH_REPLAYED = "refresh.replayed"
    REFRESH_REUSED = "refresh.reused"
    SESSION_ENDED = "session.ended"
    USER_REGISTERED = "user.registered"
    USER_CREATED = "user.created"
    USER_UPDATED = "user.updated"
    USER_DEACTIVATED = "user.deactivated"
    USER_DELETED = "user.deleted"
    PASSWORD_CHANGED = "password.changed"
    ITEM_CREATED = "item.created"
    ITEM_UPDATED = "item.updated"
    ITEM_DELETED = "item.deleted"
    CLIENT_CREATED = "client.created"
    CLIENT_UPDATED = "client.updated"
    CLIENT_SECRET_ROTATED = "client.secret_rotated"
    CLIENT_DELETED = "client.deleted"
    CLIENT_AUTHENTICATION = "client.authentication"
    ACCESS_DENIED = "access.denied"
    SIGNING_KEY_CREATED = "signing_key.created"
    SIGNING_KEY_ROTATED = "signing_key.rotated"
    SIGNING_KEY_REMOVED = "signing_key.removed"
    SIGNING_KEY_REVOKED = "signing_key.revoked"
    SIGNING_KEYS_REWRAPPED = "signing_keys.rewrapped"


class Outcome(StrEnum):
    """Whether it was done or refused."""

    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where and when a request comes from; the process's own acts have neither network nor request.

    `languages` is the Accept-Language header: which language mail is written in.
    """

    now: datetime
    network: str | None = None
    request_id: str | None = None
    user_agent: str | None = None
    languages: str | None = None
