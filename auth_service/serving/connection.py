"""One connection of a client: how long a request may take to arrive, and how much may arrive before it is there.

The server's own protocol has one limit, for idling between two requests, which any byte ends. So a client that dribbles
its headers, its body or its reading of the answer would be waited for without end, and headers may be of any size.
"""

import asyncio
import socket
import struct
from http import HTTPStatus
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from auth_service.serving.connection_limits import HEAD_BYTES, MOST_HEADERS, ConnectionLimits
from auth_service.serving.early_answer import answering_early, early_answer
from auth_service.serving.host_field import check_host
from auth_service.serving.places import Places
from auth_service.telemetry.connection_tally import ConnectionTally

_PROBES = frozenset({"/livez", "/readyz"})
_TOO_BUSY = HTTPStatus.SERVICE_UNAVAILABLE, "too_busy", "There are too many connections. Try again."
_MOST_PIPELINED = 32
_SLICE_BYTES = 4096  # of what came, before it is asked whether that is too much: a read may hold 15,000 requests
_SWALLOWED_BYTES = 67_108_864
_LINGER_SECONDS = 1.0  # who closes at once while the other still sends may destroy the answer on its way
_RESET = struct.pack("ii", 1, 0)


class Connections:
    """What the connections of a process share."""

    def __init__(self, limits: ConnectionLimits, tally: ConnectionTally) -> None:
        """Prepare; there is none yet."""
        self.limits = limits
        self.tally = tally
        self.places = Places(limits.connections, tally)
        self.is_draining = False


class Connection(HttpToolsProtocol):
    """A connection that is cut off when its client takes too long, or sends too much."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        all_of_them: Connections,
    ) -> None:
        """Be one of them; the other arguments are the server's."""
        super().__init__(config, server_state, app_state, _loop)
        self._all = all_of_them
        self._limits = all_of_them.limits
        self._in_work: RequestResponseCycle | None = None
        self._received = 0
        self._is_receiving = False
        self._is_in_head = False
        self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._all.tally.open += 1
        self._all.places.take(self)
        self._wait(self._limits.receive_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more, nor answered: the request in work may be another one than was parsed last."""
        self._all.tally.open -= 1
        self._tell_application()
        self._all.places.leave(self)
        super().connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        """Give the client so long from now on."""
        self._all.places.wait(self, until=self.loop.time() + seconds)

    def data_received(self, data: bytes) -> None:
        """Take what came, and refuse the rest when it is too much."""
        for start in range(0, len(data), _SLICE_BYTES):
            if self._is_refused or self.transport.is_closing():
                return
            self._take(data[start : start + _SLICE_BYTES])

    def _take(self, piece: bytes) -> None:
        self._received += len(piece)
        super().data_received(piece)
        if len(self.pipeline) > _MOST_PIPELINED:
            self._all.tally.refused["too_many_pipelined"] += 1
            self.destroy()
        elif self._is_receiving and not self._is_refused and not self.transport.is_closing():
            self._limit_request()

    def _limit_request(self) -> None:
        """Refuse an endless head, endless trailers, and whatever the body is wrapped into."""
        if self._received <= self._most_bytes and len(self.headers) <= MOST_HEADERS:
            return
        if self._is_in_head:
            detail = f"A request's head may have {MOST_HEADERS} fields and {HEAD_BYTES} bytes."
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large", detail)
        else:
            detail = f"A request body may have {self._limits.body_bytes} bytes."
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", detail)

    @property
    def _most_bytes(self) -> int:
        if self._is_in_head:
            return HEAD_BYTES
        # Who was refused already reads the answer when all is sent: the rest of a body is swallowed, and kept nowhere.
        return _SWALLOWED_BYTES if self.cycle.response_complete else self._limits.request_bytes

    def on_message_begin(self) -> None:
        """Give the whole request its time from the first byte; the first of a connection has it from the beginning."""
        super().on_message_begin()
        self._received = 0
        self._is_receiving = self._is_in_head = True
        if self.cycle is not None:
            self._wait(self._limits.receive_seconds)

    def on_headers_complete(self) -> None:
        """Say with the answer that it is the last one on this connection, if the process is about to stop."""
        check_host(self.headers, version=self.parser.get_http_version())
        super().on_headers_complete()
        self._is_in_head = False
        if self._all.is_draining:
            self.cycle.keep_alive = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._in_work = cycle
        if not self._all.places.take_regular(self):
            cycle.keep_alive = False
            if cycle.scope["path"] not in _PROBES:
                self._all.tally.refused["too_busy"] += 1
                app = answering_early(*_TOO_BUSY)
        super()._start_asgi_task(cycle, app)

    def on_message_complete(self) -> None:
        """Let the application work for as long as it needs."""
        self._is_receiving = False
        if not self.cycle.response_complete:
            self._all.places.stop_waiting(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the client to read this answer."""
        super().on_response_complete()
        if self._is_receiving:
            self._wait(self._limits.receive_seconds)
        elif self.cycle.response_complete:
            is_busy = self.transport.get_write_buffer_size() > 0
            self._wait(self._limits.receive_seconds if is_busy else self._limits.idle_seconds)

    def pause_writing(self) -> None:
        """Wait for a client that reads more slowly than it is answered."""
        super().pause_writing()
        self._wait(self._limits.receive_seconds)

    def resume_writing(self) -> None:
        """Wait no longer, unless it still owes us the rest of the next request: it has read enough for now."""
        super().resume_writing()
        if self._is_receiving:
            self._wait(self._limits.receive_seconds)
        elif not self.cycle.response_complete:
            self._all.places.stop_waiting(self)

    def drain(self) -> None:
        """Make the answer that is being worked on the last one."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def cut_off(self) -> None:
        """End it, because its client took too long; say so, if it has begun a request and may hear it."""
        if self._is_refused or self.transport.is_closing() or self.transport.get_write_buffer_size():
            if not self._is_refused:
                self._all.tally.refused["answer_not_read"] += 1
            self.destroy()
        elif self._is_receiving:
            detail = f"The request did not arrive within {self._limits.receive_seconds:g} seconds."
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "request_timeout", detail)
        else:
            self.transport.close()

    def destroy(self) -> None:
        """Close it without what was not read yet: the kernel would keep that, for a client who may never read it."""
        self._tell_application()
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def _tell_application(self) -> None:
        """Let it know that its client is gone, before it writes to a connection that is closed."""
        for cycle in (self._in_work, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP as everything else is answered; the parser has told the log."""
        self._refuse(HTTPStatus.BAD_REQUEST, "invalid_request", msg)

    @property
    def _may_answer(self) -> bool:
        """Whether what is written now is the answer to the request that is arriving, and the first one to it."""
        if self.cycle is None:
            return True
        if self._is_in_head or not self._is_receiving:
            return self.cycle.response_complete
        return self.cycle is self._in_work and not self.cycle.response_started

    def _refuse(self, status: HTTPStatus, code: str, detail: str) -> None:
        """Answer in the application's place, if it is that request's turn, and read nothing more."""
        self._all.tally.refused[code] += 1
        if not self._may_answer:
            self.destroy()
            return
        self._is_refused = True
        self._tell_application()
        self.headers = []
        self.transport.write(early_answer(status, code, detail))
        self._wait(_LINGER_SECONDS)
