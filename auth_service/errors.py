"""The categories of refusal that every room subclasses; HTTP and OAuth renderings of them live in `api/problems.py`.

ServiceError
├── InvalidInputError       the request cannot mean what it says
├── UnauthenticatedError    nobody, or nobody who may still be trusted, is asking
├── PermissionDeniedError   somebody asks for what is not theirs to do
├── NotFoundError           there is no such thing, or not for this caller
├── ConflictError           it clashes with what is stored
├── TooManyAttemptsError    it was tried too often: ask again later
└── UnavailableError        our own fault and temporary: ask again later
"""

from typing import ClassVar


class ServiceError(Exception):
    """A refusal with a stable `code` for programs and a sentence that a stranger may read."""

    code: ClassVar[str]
    detail: str

    def __init__(self, detail: str | None = None) -> None:
        """Refuse with the class's own sentence, or with `detail` where one case needs to say more."""
        if detail is not None:
            self.detail = detail
        super().__init__(self.detail)


class InvalidInputError(ServiceError):
    """The request cannot mean what it says."""


class UnauthenticatedError(ServiceError):
    """Nobody, or nobody who may still be trusted, is asking."""


class PermissionDeniedError(ServiceError):
    """Somebody asks for what is not theirs to do."""


class NotFoundError(ServiceError):
    """There is no such thing, or not for this caller."""


class ConflictError(ServiceError):
    """The request clashes with what is stored."""


class TooManyAttemptsError(ServiceError):
    """It was tried too often; `retry_after` is in whole seconds."""

    code = "too_many_attempts"
    detail = "Too many attempts. Try again later."

    def __init__(self, retry_after: int) -> None:
        """Say when to come back."""
        super().__init__()
        self.retry_after = retry_after


class UnavailableError(ServiceError):
    """Our own fault and temporary; `retry_after` is in whole seconds."""

    retry_after: ClassVar[int] = 2


class StoppingError(UnavailableError):
    """The process was told to stop; what is sent to it is still answered."""

    code = "stopping"
    detail = "This replica is about to stop. Send new requests to another one."
