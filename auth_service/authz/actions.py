"""The things that a caller may or may not do."""

from enum import StrEnum


class Action(StrEnum):
    """One name for each thing that is authorized; the value appears in the audit."""

    USER_READ = "user.read"
    USER_SEARCH = "user.search"
    USER_CREATE = "user.create"
    USER_UPDATE = "user.update"
    USER_ADMINISTER = "user.administer"
    USER_DELETE = "user.delete"
    USER_DEACTIVATE = "user.deactivate"
    USER_EXPORT = "user.export"
    PASSWORD_CHANGE = "password.change"
    EMAIL_CHANGE = "email.change"
    RECOVERY_START = "recovery.start"
    USER_INVITE = "user.invite"
    SECOND_FACTOR_READ = "second_factor.read"
    SECOND_FACTOR_CHANGE = "second_factor.change"
    SECOND_FACTOR_REMOVE = "second_factor.remove"
    SESSION_READ = "session.read"
    SESSION_END = "session.end"
    ITEM_CREATE = "item.create"
    ITEM_READ = "item.read"
    ITEM_UPDATE = "item.update"
    ITEM_DELETE = "item.delete"
    CLIENT_ADMINISTER = "client.administer"
    AUDIT_READ = "audit.read"
