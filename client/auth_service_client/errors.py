"""Every refusal that a caller of this package can meet, with the HTTP status that answers it.

RefusalError
├── InvalidTokenError          401  the token is not good, whatever the reason
├── MissingCredentialError     401  there was no token
├── OneFactorError             401  the token is good, and its sign-in not sure enough
├── AmbiguousCredentialError   400  there was more than one
├── InsufficientScopeError     403  the token is good and not for this
└── ServiceUnavailableError    503  nobody can say now whether it is good
"""

from collections.abc import Iterable


class RefusalError(Exception):
    """A request that is not to be served: `str(refusal)` says why, for the log; `detail` may be told to anybody."""

    status = 500
    detail = "The request was refused."


class InvalidTokenError(RefusalError):
    """The token is not one that this service has to accept; strangers are not told why."""

    status = 401
    detail = "The access token is not valid."


class MissingCredentialError(RefusalError):
    """No token came along (RFC 6750 section 3)."""

    status = 401
    detail = "Send an access token as 'Authorization: Bearer ...'."


class OneFactorError(RefusalError):
    """The token is good, and whoever signed in proved less than is asked for here (RFC 9470 section 3)."""

    status = 401
    detail = "Sign in with a second factor."

    def __init__(self, needed: str) -> None:
        super().__init__("the sign-in is not sure enough")
        self.needed = needed


class AmbiguousCredentialError(RefusalError):
    """More than one credential came along (RFC 6750 section 2)."""

    status = 400
    detail = "Send one access token, in the Authorization header and nowhere else."


class InsufficientScopeError(RefusalError):
    """The token is good, and its holder may not do this with it."""

    status = 403
    detail = "The access token does not allow this."

    def __init__(self, reason: str, *, needed: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.needed = tuple(needed)


class ServiceUnavailableError(RefusalError):
    """The keys or the revocations are too old, and the policy says that nothing is accepted then."""

    status = 503
    detail = "Access tokens cannot be verified at the moment."
