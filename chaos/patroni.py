"""A machine with a PostgreSQL server that Patroni minds, and its death."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from chaos.patroni_settings import Place, settings_of
from chaos.postgres import children_of, send, wait_until_gone
from chaos.servers import DIE_WITH_US

_NOBODY = 65534  # PostgreSQL refuses to run as root
_END_SECONDS = 20.0

# Ends what a killed run leaves: Patroni starts the servers as daemons, which nothing else takes along.
_WATCHER = """
read -r _
for file in "$0"/node-*/cluster/postmaster.pid; do kill -QUIT "$(head -n 1 "$file")"; done
"""


class Node:
    """The machine: Patroni, and the server that it minds."""

    def __init__(self, place: Place, *, synchronous: bool, etcd_port: int) -> None:
        """Write down what Patroni is to know; nothing is started yet."""
        self.place = place
        place.folder.mkdir()
        configuration = place.folder / "patroni.yaml"
        configuration.write_text(json.dumps(settings_of(place, synchronous=synchronous, etcd_port=etcd_port)))
        hand_over(place.folder, configuration)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its own, whether it leads or not."""
        return f"postgresql://postgres@{self.place.address}/postgres"

    def start(self) -> None:
        """Begin to start; Patroni does the rest."""
        with (self.place.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*DIE_WITH_US, "patroni", "patroni.yaml"],
                cwd=self.place.folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.place.folder)},
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
        pid_file = self.place.cluster / "postmaster.pid"
        return int(pid_file.read_text().split()[0]) if pid_file.exists() else 0


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
