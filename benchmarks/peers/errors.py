"""What ends a comparison: ComparisonError <- EnvironmentNotMadeError, ServerNotReadyError, WrongAnswerError."""


class ComparisonError(Exception):
    """The comparison cannot go on; the message says what somebody can do something about."""


class EnvironmentNotMadeError(ComparisonError):
    """A peer's packages could not be installed."""


class ServerNotReadyError(ComparisonError):
    """A server ended, or never answered; the message has what it wrote."""


class WrongAnswerError(ComparisonError):
    """A server answered something else than the measurement is about."""
