"""The access log, for whoever switches it on: one line for each request that is over."""

import structlog
from starlette.types import Scope

from auth_service.api.problems import describe_request

log = structlog.get_logger()


def log_request(scope: Scope, status: int, seconds: float) -> None:
    """Write it."""
    log.info("request.finished", status=status, milliseconds=round(1000 * seconds, 2), **describe_request(scope))
