"""What the accounts room refuses with."""

from datetime import timedelta

from auth_service.errors import ConflictError, InvalidInputError, NotFoundError, PermissionDeniedError


class RegistrationClosedError(PermissionDeniedError):
    """Strangers may not register here."""

    code = "registration_closed"
    detail = "Registration is closed. Ask an administrator for an account."


class PrivilegedFieldsError(PermissionDeniedError):
    """Somebody who is not an administrator sent fields that only administrators may send."""

    code = "privileged_fields"

    def __init__(self, fields: frozenset[str]) -> None:
        """Name the fields; nothing of the request was done."""
        super().__init__(f"Only administrators may set {', '.join(sorted(fields))}. Nothing was changed.")


class EmailChangeNeedsProofError(PermissionDeniedError):
    """One's own address cannot be changed without a proof that the new one is one's own."""

    code = "email_change_needs_proof"
    detail = "POST /users/me/email changes your address, with a proof that the new one is yours. Nothing was changed."


class PasswordRequiredError(InvalidInputError):
    """Who registers needs a password; only administrators create accounts without one."""

    code = "password_required"
    detail = "A password is needed to register."


class WrongPasswordError(PermissionDeniedError):
    """The password that was offered as a proof is not the one of the account, or of the registration."""

    code = "wrong_password"
    detail = "The password is not right. Nothing was changed."


class ReauthenticationRequiredError(PermissionDeniedError):
    """The sign-in that the token comes from is too long ago for this (RFC 9470)."""

    code = "reauthentication_required"
    detail = "This needs a recent sign-in: sign in again, then repeat it. Nothing was changed."

    def __init__(self, max_age: timedelta) -> None:
        """Say how long ago the sign-in may be."""
        self.max_age = max_age
        super().__init__()


class EmailNotVerifiedError(PermissionDeniedError):
    """Nobody has proven that the account's address is theirs."""

    code = "email_not_verified"
    detail = "Verify your e-mail address first. Nothing was changed."


class WrongCodeError(PermissionDeniedError):
    """The code is not one that the new authenticator app shows, or its set-up has expired."""

    code = "wrong_code"
    detail = "This is not the code that the app shows, or the set-up has expired. Nothing was changed."


class TotpEnabledError(ConflictError):
    """The account has an authenticator app."""

    code = "totp_enabled"
    detail = "There is an authenticator app already. Remove it first."


class TotpNotFoundError(NotFoundError):
    """The account has no authenticator app."""

    code = "totp_not_found"
    detail = "There is no authenticator app."


class LastAdministratorError(ConflictError):
    """The service would have nobody left to manage it."""

    code = "last_administrator"
    detail = "This is the last active administrator. Make another one first."


class AdministratorExistsError(ConflictError):
    """There is an active administrator already."""

    code = "administrator_exists"
    detail = "There is an active administrator already."


class SessionNotFoundError(NotFoundError):
    """The account has no live session of this id."""

    code = "session_not_found"
    detail = "There is no such session, or it has ended."


class AccountDisabledError(ConflictError):
    """A disabled account gets no mail."""

    code = "account_disabled"
    detail = "This account is disabled, so no mail is sent to it. Enable it first."


class NoPasswordError(ConflictError):
    """An account without a password has none to recover."""

    code = "no_password"
    detail = "This account has no password to recover. Send an invitation."


class PasswordExistsError(ConflictError):
    """Who has a password needs no invitation."""

    code = "password_exists"
    detail = "This account has a password already. Start a recovery."
