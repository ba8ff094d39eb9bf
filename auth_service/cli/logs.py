"""How a serving process logs: events with fields, as JSON lines for machines or in colour for a person."""

import logging
import sys
import traceback
from collections.abc import Iterator
from typing import TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from auth_service.telemetry.current_request import facts_of_request


def configure_logs(*, as_json: bool) -> None:
    """Send every log, ours and the libraries', to standard error in one format.

    A person is not told each step of the server's start; what they need to know is printed when it is done.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_request,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _drop_coloured_copy,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Processor] = (
        [structlog.processors.ExceptionRenderer(_describe_fault), structlog.processors.JSONRenderer()]
        if as_json
        # The default traceback prints local variables, and there are passwords among them.
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_print_fault)]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.getLogger("uvicorn.error").setLevel(logging.INFO if as_json else logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # each readiness probe reads the revision


def _describe_fault(exc_info: ExcInfo) -> str:
    """Return its traceback, with one line of what each error says: values stand in those that follow.

    PostgreSQL adds the whole row that it refused, addresses and hashes, and validators what they were given.
    """
    return "".join(_lines_of(exc_info[1], set())).rstrip("\n")


def _print_fault(stream: TextIO, fault: ExcInfo) -> None:
    stream.write("\n" + _describe_fault(fault))


def _lines_of(error: BaseException, seen: set[int]) -> Iterator[str]:
    """Yield them for what it comes from first, as Python does; errors can come from each other in a circle."""
    seen.add(id(error))
    source = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    parts = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for earlier in (source, *parts):
        if earlier is not None and id(earlier) not in seen:
            yield from _lines_of(earlier, seen)
            yield "\nWhich led to:\n\n"
    yield "Traceback (most recent call last):\n"
    yield from traceback.format_tb(error.__traceback__)
    first_line = str(error).partition("\n")[0]
    yield f"{type(error).__module__}.{type(error).__qualname__}: {first_line}\n".removeprefix("builtins.")


def _add_request(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Say which request a line belongs to; what the line says of it itself stays."""
    return {**facts_of_request(), **event}


def _drop_coloured_copy(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Drop what uvicorn adds to some records: the same message once more, with terminal codes."""
    event.pop("color_message", None)
    return event
