"""The kinds of security events, and where a request that causes one comes from."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AuditEvent(StrEnum):
    """What can happen."""

    SIGN_IN = "sign_in"
    SIGN_IN_CHALLENGED = "sign_in.challenged"
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
    PASSWORD_RECOVERED = "password.recovered"
    RECOVERY_STARTED = "recovery.started"
    INVITATION_SENT = "invitation.sent"
    EMAIL_VERIFIED = "email.verified"
    EMAIL_CHANGE_REQUESTED = "email.change_requested"
    EMAIL_CHANGED = "email.changed"
    ONE_TIME_TOKEN_ISSUED = "one_time_token.issued"
    ONE_TIME_TOKEN_REFUSED = "one_time_token.refused"
    QUEUED_MAIL_REWRAPPED = "queued_mail.rewrapped"
    TOTP_OFFERED = "totp.offered"
    TOTP_ADDED = "totp.added"
    TOTP_REMOVED = "totp.removed"
    TOTP_SEEDS_REWRAPPED = "totp_seeds.rewrapped"
    RECOVERY_CODE_USED = "recovery_code.used"
    RECOVERY_CODES_RENEWED = "recovery_codes.renewed"
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
