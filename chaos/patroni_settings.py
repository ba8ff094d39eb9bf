"""What Patroni is told about a machine, and what has to be installed for that."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_POSTGRES = Path("/usr/lib/postgresql")
_PROGRAMS = ("patroni", "etcd")
_TRUSTED = "127.0.0.1/32 trust"

# The leader's claim lasts 20 s, the least that Patroni allows: so long after its machine died nobody else may begin.
_TIMES = {"ttl": 20, "loop_wait": 1, "retry_timeout": 3}
_SYNCHRONOUS = {"synchronous_mode": True, "synchronous_mode_strict": True}
_ASYNCHRONOUS = {"synchronous_mode": False, "maximum_lag_on_failover": 1_073_741_824}

# A primary that died has what nobody else has: it must give that up to follow the new one. And a standby looks for its
# new primary every second, not every five: until one has found it, nothing is committed. For the same reason there are
# no replication slots: a new primary makes them after its first checkpoint, which takes seconds. What they are for, a
# part of the log that is kept does as well.
_SERVERS = {
    "parameters": {"wal_retrieve_retry_interval": "1s", "wal_keep_size": "512MB"},
    "use_slots": False,
    "use_pg_rewind": True,
    "remove_data_directory_on_rewind_failure": True,
    "remove_data_directory_on_diverged_timelines": True,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a machine of the cluster is: its database, what Patroni answers there, and its files."""

    name: str
    address: str
    rest_url: str
    folder: Path

    @property
    def cluster(self) -> Path:
        """Where its server stores everything."""
        return self.folder / "cluster"


def settings_of(place: Place, *, synchronous: bool, etcd_port: int) -> dict[str, Any]:
    """Return the settings of a machine; `synchronous` says whether a commit waits for a second one."""
    rest, mode = place.rest_url.removeprefix("http://"), _SYNCHRONOUS if synchronous else _ASYNCHRONOUS
    return {
        "scope": "auth",
        "name": place.name,
        "restapi": {"listen": rest, "connect_address": rest},
        "etcd3": {"host": f"127.0.0.1:{etcd_port}"},
        "bootstrap": {
            "dcs": {**_TIMES, **mode, "postgresql": _SERVERS},
            "initdb": [{"encoding": "UTF8"}, "no-locale", {"auth": "trust"}],
        },
        "postgresql": {
            "listen": place.address,
            "connect_address": place.address,
            "data_dir": str(place.cluster),
            "bin_dir": _binaries(),
            "pgpass": str(place.folder / "pgpass"),
            "pg_hba": [f"host all all {_TRUSTED}", f"host replication all {_TRUSTED}"],
            "authentication": {
                "superuser": {"username": "postgres", "password": "unused"},
                "replication": {"username": "replicator", "password": "unused"},
            },
            "parameters": {"unix_socket_directories": str(place.folder)},
        },
    }


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
