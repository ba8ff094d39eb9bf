"""Who hangs up in the middle of a body: no fault of ours, so nothing is answered, logged or counted as one."""

import pytest
from fastapi import FastAPI
from starlette.types import Message, Scope
from structlog.testing import capture_logs

from auth_service.api.middleware import HeadersMiddleware
from tests.support.edge import make_app

_FORM = b"application/x-www-form-urlencoded"


async def _hang_up(app: HeadersMiddleware | FastAPI, path: str) -> list[Message]:
    """Send half of a body and go; return what is sent back all the same."""
    arriving: list[Message] = [
        {"type": "http.request", "body": b"grant_type=pass", "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return arriving.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", _FORM), (b"content-length", b"100")]
    where = {"path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers}
    await app({"type": "http", "method": "POST", "scheme": "http", "http_version": "1.1", **where}, receive, send)
    return sent


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke"])
async def test_who_hangs_up_in_the_middle_of_a_form_is_not_answered_and_counts_as_gone(path: str) -> None:
    counted: list[int] = []

    def finished(_scope: Scope, status: int, _seconds: float) -> None:
        counted.append(status)

    app = make_app()
    with capture_logs() as logs:
        sent = await _hang_up(HeadersMiddleware(app, https=False, told=[finished]), path)

    assert (sent, logs, counted) == ([], [], [0])
