"""Keeps several processes of the service at work behind one port: starts them, replaces those that end, stops them."""

import asyncio
import gc
import multiprocessing
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

import structlog
import typer

from auth_service.cli.failures import REFUSED, fail, write_to_operator
from auth_service.serving.server import GRACE_SECONDS

log = structlog.get_logger()

_TOLD_TO_STOP = {signal.SIGTERM, signal.SIGINT}
_PATIENCE_SECONDS = GRACE_SECONDS + 5.0  # what a worker gives what is in flight, and its way out
_STEADY_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Link:
    """A worker's end: what it reports to its parent, and the `lifeline` that closes when the parent is gone.

    `place` counts from 0; whoever replaces a worker takes its place.
    """

    reports: Connection
    lifeline: Connection
    place: int

    def report_ready(self) -> None:
        """Say that requests are answered; from now on the end of the parent is the end of this process as well."""
        asyncio.get_running_loop().add_reader(self.lifeline.fileno(), self._stop_without_parent)
        self._report(None)

    def report_fault(self, line: str) -> None:
        """Say why there will be no answers."""
        self._report(line)

    def _report(self, line: str | None) -> None:
        with suppress(BrokenPipeError):  # the parent is gone
            self.reports.send(line)

    def _stop_without_parent(self) -> None:
        asyncio.get_running_loop().remove_reader(self.lifeline.fileno())
        log.warning("worker.orphaned")
        signal.raise_signal(signal.SIGTERM)


@dataclass(slots=True)
class Pauses:
    """How long to wait before a worker is replaced: twice as long after each that did not live long."""

    _next: float = 0.0

    def after(self, *, lived: float) -> float:
        """Return the seconds to wait after a worker that was ready for so many seconds."""
        pause = 0.0 if lived >= _STEADY_SECONDS else self._next
        self._next = min(max(_FIRST_PAUSE_SECONDS, 2 * pause), _LONGEST_PAUSE_SECONDS)
        return pause


@dataclass(slots=True, eq=False)
class _Worker:
    process: BaseProcess
    reports: Connection
    place: int
    ready_at: float | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def end(self) -> str:
        code = self.process.exitcode or 0
        return f"signal {-code}" if code < 0 else f"exit code {code}"


class Workers:
    """So many processes that do `work`. The parent opens no database and starts no thread, so forking it is safe."""

    def __init__(self, count: int, work: Callable[[Link], None], *, drain_delay: timedelta = timedelta(0)) -> None:
        """Prepare; nothing is started yet. A worker that is told to stop goes on for `drain_delay`."""
        self._patience = drain_delay.total_seconds() + _PATIENCE_SECONDS
        self._count = count
        self._work = work
        self._context = multiprocessing.get_context("fork")
        self._lifeline, self._held = self._context.Pipe(duplex=False)
        self._workers: list[_Worker] = []
        self._due: list[tuple[float, int]] = []
        self._pauses = Pauses()
        self._were_all_ready = False

    def run(self, listener: socket.socket, *, when_ready: Callable[[], None]) -> None:
        """Keep them at work until SIGTERM or SIGINT, then let them finish what is in flight.

        Call `when_ready` once all of them answer. Raises typer.Exit when one of them ends before that: what keeps it
        from starting keeps the others as well, and has been told then.
        """
        gc.freeze()  # what is never collected is never written to, and stays shared
        with _hearing_signals() as signals:
            try:
                self._due = [(time.monotonic(), place) for place in range(self._count)]
                while not _heard(signals):
                    self._start_those_due()
                    wait([signals, *(worker.reports for worker in self._workers)], timeout=self._until_next_start())
                    self._take_reports(when_ready)
            finally:
                listener.close()  # who comes now is refused as soon as the workers have closed theirs
                self._stop(signals)

    def _start_those_due(self) -> None:
        now = time.monotonic()
        due = [place for moment, place in self._due if moment <= now]
        self._due = [(moment, place) for moment, place in self._due if moment > now]
        for place in due:
            self._start(place)

    def _until_next_start(self) -> float | None:
        return max(0.0, min(self._due)[0] - time.monotonic()) if self._due else None

    def _start(self, place: int) -> None:
        """Fork a worker. A signal in between must not be heard by its copy of our ears."""
        reports, sent = self._context.Pipe(duplex=False)
        process = self._context.Process(target=self._be_worker, args=(Link(sent, self._lifeline, place),))
        signal.pthread_sigmask(signal.SIG_BLOCK, _TOLD_TO_STOP)
        process.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD_TO_STOP)
        sent.close()
        self._workers.append(_Worker(process, reports, place))

    def _be_worker(self, link: Link) -> None:
        os.setpgid(0, 0)  # Ctrl+C is for the parent, which tells everybody
        signal.set_wakeup_fd(-1)
        for number in _TOLD_TO_STOP:
            signal.signal(number, signal.SIG_DFL)  # until it serves, there is nothing to finish
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD_TO_STOP)
        self._held.close()
        structlog.contextvars.bind_contextvars(worker=os.getpid())
        try:
            self._work(link)
        except typer.Exit as end:
            sys.exit(end.exit_code)

    def _take_reports(self, when_ready: Callable[[], None]) -> None:
        for worker in list(self._workers):
            while worker.reports.poll():
                if not self._take_report(worker):
                    break
        if not self._were_all_ready and all(worker.ready_at for worker in self._workers):
            self._were_all_ready = True
            when_ready()

    def _take_report(self, worker: _Worker) -> bool:
        """Take one; return whether there may be more."""
        try:
            fault = worker.reports.recv()
        except EOFError:  # nobody else has that end: it is gone
            self._replace(worker)
            return False
        if fault is None:
            worker.ready_at = time.monotonic()
            log.info("worker.ready", worker=worker.process.pid)
        else:
            worker.faults.append(fault)
        return True

    def _replace(self, worker: _Worker) -> None:
        self._forget(worker)
        if not self._were_all_ready:
            raise _explain(worker)
        now = time.monotonic()
        pause = self._pauses.after(lived=now - worker.ready_at if worker.ready_at else 0.0)
        self._due.append((now + pause, worker.place))
        faults = {"faults": worker.faults} if worker.faults else {}
        log.warning("worker.ended", worker=worker.process.pid, by=worker.end, replaced_in_seconds=pause, **faults)

    def _forget(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        worker.process.join()
        worker.reports.close()

    def _stop(self, signals: socket.socket) -> None:
        """Let all finish what is in flight; who is told twice, or waits too long, ends them."""
        for worker in self._workers:
            worker.process.terminate()
        deadline = time.monotonic() + self._patience
        while self._workers and time.monotonic() < deadline and signal.SIGINT not in _heard(signals):
            wait([signals, *(worker.process.sentinel for worker in self._workers)], deadline - time.monotonic())
            for worker in [worker for worker in self._workers if not worker.process.is_alive()]:
                self._forget(worker)
        for worker in list(self._workers):
            worker.process.kill()
            self._forget(worker)


def _explain(worker: _Worker) -> typer.Exit:
    for line in worker.faults:
        write_to_operator(line)
    if worker.faults:
        return typer.Exit(worker.process.exitcode or REFUSED)
    return fail(f"a worker ended before it was ready ({worker.end}); its log says why, if it could.", code=REFUSED)


@contextmanager
def _hearing_signals() -> Iterator[socket.socket]:
    """Yield a socket that the signals which tell us to stop can be read from, so that none comes at a bad moment."""
    heard, written = socket.socketpair()
    with heard, written:
        written.settimeout(0)
        before = {number: signal.signal(number, lambda _number, _frame: None) for number in _TOLD_TO_STOP}
        signal.set_wakeup_fd(written.fileno())
        try:
            yield heard
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)


def _heard(signals: socket.socket) -> set[int]:
    return set(signals.recv(64)) if select.select([signals], [], [], 0)[0] else set()
