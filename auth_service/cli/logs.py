"""How a serving process logs: events with fields, as JSON lines for machines or in colour for a person."""

import logging
import sys

import structlog
from structlog.dev import plain_traceback
from structlog.typing import EventDict, Processor


def configure_logs(*, as_json: bool) -> None:
    """Send every log, ours and the libraries', to standard error in one format.

    A person is not told each step of the server's start; what they need to know is printed when it is done.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _drop_coloured_copy,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        # The default traceback prints local variables, and there are passwords among them.
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traceback)]
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


def _drop_coloured_copy(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Drop what uvicorn adds to some records: the same message once more, with terminal codes."""
    event.pop("color_message", None)
    return event
