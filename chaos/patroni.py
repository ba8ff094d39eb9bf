"""A machine with a PostgreSQL server that Patroni minds, and its death."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from chaos.postgres import children_of, send, wait_until_gone
from chaos.servers import DIE_WITH_US
from tests.support.commands import free_port

_NOBODY = 65534  # PostgreSQL refuses to run as root
_POSTGRES = Path("/usr/lib/postgresql")
_PROGRAMS = ("patroni", "etcd")
_END_SECONDS = 20.0

# The leader's claim lasts 20 s, the least that Patroni allows: so long after its machine died nobody else may begin.
_TIMES = {"ttl": 20, "loop_wait": 2, "retry_timeout": 3}
SYNCHRONOUS: Mapping[str, Any] = {**_TIMES, "synchronous_mode": True, "synchronous_mode_strict": True}
ASYNCHRONOUS: Mapping[str, Any] = {**_TIMES, "synchronous_mode": False, "maximum_lag_on_failover": 1_073_741_824}

# A primary that died has what nobody else has: it must give that up to follow the new one. And a standby looks for its
# new primary every second, not every five: until it has found it, nothing is committed.
_SERVERS = {
    "parameters": {"wal_retrieve_retry_interval": "1s"},
    "use_pg_rewind": True,
    "remove_data_directory_on_rewind_failure": True,
    "remove_data_directory_on_diverged_timelines": True,
}

# Ends what a killed run leaves: Patroni starts the servers as daemons, which nothing else takes along.
_WATCHER = """
read -r _
for file in "$0"/node-*/cluster/postmaster.pid; do kill -QUIT "$(head -n 1 "$file")"; done
"""


def missing_programs() -> str:
    """Say what has to be installed, if anything."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if not _binaries():
        missing.append("postgres")
    if not missing:
        return ""
    return f"not installed: {', '.join(missing)}. On Debian: apt-get install patroni etcd-server postgresql"


def _binaries() -> str:
    found = sorted(_POSTGRES.glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    return str(found[-1].parent) if found else ""


class Node:
    """A machine of the cluster: Patroni, and the server that it minds."""

    def __init__(self, number: int, folder: Path, bootstrap: Mapping[str, Any], etcd_port: int) -> None:
        """Write what Patroni is to know; `bootstrap` is what the first node decides for all."""
        self.name = f"node-{number}"
        self.address = f"127.0.0.1:{free_port()}"
        self.rest_url = f"http://127.0.0.1:{free_port()}"
        self._folder = folder / self.name
        self._folder.mkdir()
        self._process: subprocess.Popen[bytes] | None = None
        configuration = self._folder / "patroni.yaml"
        configuration.write_text(json.dumps(self._configuration(bootstrap, etcd_port)))
        hand_over(self._folder, configuration)

    @property
    def url(self) -> str:
        """Its own, whether it leads or not."""
        return f"postgresql://postgres@{self.address}/postgres"

    @property
    def cluster(self) -> Path:
        """Where its server stores everything."""
        return self._folder / "cluster"

    def start(self) -> None:
        """Begin to start; Patroni does the rest."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*DIE_WITH_US, "patroni", "patroni.yaml"],
                cwd=self._folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self._folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=_identity(),
                group=_identity(),
                extra_groups=None if _identity() is None else [],
            )

    def senders(self) -> list[int]:
        """Return the processes that send its changes to the standbys."""
        return [child for child in children_of(self._postmaster()) if b"walsender" in _title(child)]

    def kill(self) -> None:
        """End everything of it at once, as a power cut does."""
        main = self._postmaster()
        family = [main, *children_of(main)] if main else []
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        for process in family:
            send(process, signal.SIGKILL)
        wait_until_gone(family)

    def _postmaster(self) -> int:
        pid_file = self.cluster / "postmaster.pid"
        return int(pid_file.read_text().split()[0]) if pid_file.exists() else 0

    def _configuration(self, bootstrap: Mapping[str, Any], etcd_port: int) -> dict[str, Any]:
        rest, trusted = self.rest_url.removeprefix("http://"), "127.0.0.1/32 trust"
        return {
            "scope": "auth",
            "name": self.name,
            "restapi": {"listen": rest, "connect_address": rest},
            "etcd3": {"host": f"127.0.0.1:{etcd_port}"},
            "bootstrap": {
                "dcs": {**bootstrap, "postgresql": _COMEBACK},
                "initdb": [{"encoding": "UTF8"}, "no-locale", {"auth": "trust"}],
            },
            "postgresql": {
                "listen": self.address,
                "connect_address": self.address,
                "data_dir": str(self.cluster),
                "bin_dir": _binaries(),
                "pgpass": str(self._folder / "pgpass"),
                "pg_hba": [f"host all all {trusted}", f"host replication all {trusted}"],
                "authentication": {
                    "superuser": {"username": "postgres", "password": "unused"},
                    "replication": {"username": "replicator", "password": "unused"},
                },
                "parameters": {"unix_socket_directories": str(self._folder)},
            },
        }


@contextmanager
def ending_what_is_left(folder: Path) -> Iterator[None]:
    """End the servers of all nodes in this folder with the block, or with this process, however that ends."""
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", _WATCHER, folder], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield
    finally:
        watcher.communicate(timeout=_END_SECONDS)


def hand_over(*paths: Path) -> None:
    """Give these to whom the servers run as."""
    for path in paths:
        if (identity := _identity()) is not None:
            os.chown(path, identity, identity)


def _identity() -> int | None:
    return _NOBODY if os.geteuid() == 0 else None


def _title(process: int) -> bytes:
    """Return what a process calls itself: PostgreSQL's say what they are for."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""
