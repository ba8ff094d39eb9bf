"""A real PgBouncer in transaction mode, in front of a PostgreSQL."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import make_url

from tests.support.ports import free_port
from tests.support.programs import find_optional_program

_NOBODY = 65534  # PgBouncer refuses to run as root.
_TRIES = 500
_CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server_port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
logfile = {folder}/log
"""


@contextmanager
def running_pgbouncer(server_url: str, *, pool_size: int) -> Iterator[str]:
    """Yield the URL of the same database behind a pooler that has so many connections to it."""
    program, url, port = find_optional_program("pgbouncer"), make_url(server_url), free_port()
    identity = _NOBODY if os.geteuid() == 0 else None
    with TemporaryDirectory(prefix="pgbouncer-") as name:
        folder = Path(name)
        (folder / "users").write_text(f'"{url.username}" ""\n')
        text = _CONFIGURATION.format(folder=folder, port=port, server_port=url.port, pool_size=pool_size)
        (folder / "ini").write_text(text)
        if identity is not None:
            for path in (folder, *folder.iterdir()):
                os.chown(path, identity, identity)
        process = subprocess.Popen([program, "-q", str(folder / "ini")], user=identity, group=identity)
        try:
            _wait_until_it_listens(process, port, folder / "log")
            yield url.set(port=port).update_query_dict({"pgbouncer": "true"}).render_as_string(hide_password=False)
        finally:
            process.kill()
            process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(_TRIES):
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
            raise RuntimeError(log.read_text() if log.exists() else "pgbouncer ended")
    raise RuntimeError("pgbouncer does not listen")
