"""An installation to do harm to: a schema, an administrator, ready replicas, and one URL in front of them."""

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos.balancer import balancing
from chaos.evidence import read_evidence
from chaos.guards import Guard
from chaos.judge import Verdict, judge
from chaos.ledger import read_acknowledged, read_unknown
from chaos.servers import Replica, spawn
from tests.support.settings import CHEAPEST_SERVABLE_HASHES, NO_LIMITS_BY_VARIABLE, new_master_key

ADMINISTRATOR, PASSWORD = "admin@example.com", "correct horse battery staple"
ISSUER = "https://auth.example.com"


class CommandFailedError(Exception):
    """A command of the service that prepares an installation failed; the message has what it wrote."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where clients go, and what can be ended; `folder` is for whatever a run writes."""

    url: str
    replicas: Sequence[Replica]
    folder: Path

    @property
    def ledgers(self) -> Path:
        """Where clients write down what was acknowledged."""
        return self.folder / "ledgers"


@asynccontextmanager
async def running_installation(
    database_url: str,
    folder: Path,
    *,
    replicas: int = 3,
    without: Guard | None = None,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Installation]:
    """Yield an installation over an empty database; it ends with the block."""
    environment = {**environment_for(database_url), **(settings or {})}
    await run_command(["migrate"], environment, folder)
    await create_administrator(environment, folder)
    members = [Replica(folder, environment, without=without) for _ in range(replicas)]
    try:
        for member in members:
            await member.start()
        for member in members:
            await member.until_ready()
        async with balancing([member.port for member in members], folder) as url:
            installation = Installation(url, members, folder)
            installation.ledgers.mkdir()
            yield installation
    finally:
        await asyncio.gather(*(member.end(signal.SIGKILL) for member in members))


def environment_for(database_url: str) -> dict[str, str]:
    """Return the settings of a replica: those of production, but for cheap hashes and throttles that never refuse."""
    return {
        "AUTH_DATABASE__URL": database_url,
        "AUTH_SECURITY__MASTER_KEYS": new_master_key(),
        "AUTH_TOKENS__ISSUER": ISSUER,
        **{f"AUTH_HASHING__{name.upper()}": str(value) for name, value in CHEAPEST_SERVABLE_HASHES.items()},
        **NO_LIMITS_BY_VARIABLE,
        "AUTH_THROTTLE__STORAGE": "database",
    }


async def create_administrator(environment: Mapping[str, str], folder: Path) -> None:
    """Do what each replica does before it serves: create the administrator if there is none."""
    command = ["create-admin", "--if-none", "--email", ADMINISTRATOR, "--password-stdin"]
    await run_command(command, environment, folder, stdin=f"{PASSWORD}\n")


async def run_command(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    without: Guard | None = None,
    stdin: str = "",
) -> None:
    """Run a command of the service to its end; raises CommandFailedError."""
    log = folder / f"{command[0]}.log"
    process = await spawn(command, environment, log, without=without, stdin=stdin)
    if await process.wait():
        raise CommandFailedError(f"{command[0]} failed:\n{log.read_text()}")


async def judge_run(installation: Installation, database_url: str) -> list[Verdict]:
    """Compare what clients wrote down with what the database has."""
    stored = await read_evidence(database_url, leaving_out=ADMINISTRATOR)
    return judge(read_acknowledged(installation.ledgers), read_unknown(installation.ledgers), stored)


@contextmanager
def run_folder() -> Iterator[Path]:
    """Yield a folder for one run, which is gone with the block."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        Path(folder).chmod(0o711)  # database servers run as somebody else
        yield Path(folder)
