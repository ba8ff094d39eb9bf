"""The access log, for whoever switches it on: one line for each request that is over."""

import structlog
from starlette.types import Scope

log = structlog.get_logger()


def log_request(scope: Scope, status: int, seconds: float) -> None:
    """Write it: the route and never the path or the query, because people put tokens into both by mistake."""
    route = scope.get("route")
    log.info(
        "request.finished",
        method=scope["method"],
        route=None if route is None else route.path,
        status=status,
        milliseconds=round(1000 * seconds, 2),
        request_id=scope["state"]["request_id"],
    )
