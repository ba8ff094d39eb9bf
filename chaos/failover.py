"""Three machines under Patroni, with etcd: who leads, and whether that one could be lost."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from chaos.patroni import Node, ending_what_is_left, hand_over
from chaos.patroni_settings import Place
from chaos.servers import DIE_WITH_US
from tests.support.ports import free_port

_MEMBERS = 3
_LOOK_SECONDS = 0.2
_READY_SECONDS = 180.0


class Cluster:
    """Nodes of which one leads."""

    def __init__(self, nodes: Sequence[Node], *, synchronous: bool) -> None:
        """Prepare; `synchronous` says whether a commit waits for a second machine."""
        self.nodes = nodes
        self._synchronous = synchronous

    @property
    def url(self) -> str:
        """The URL by which the service finds whichever node leads."""
        hosts = "&".join(f"host={node.place.address}" for node in self.nodes)
        return f"postgresql://postgres@/postgres?{hosts}&target_session_attrs=primary"

    async def leader(self) -> Node:
        """Wait until one leads that could be lost: all members follow it, one of them synchronously where that is on.

        Raises TimeoutError.
        """
        async with asyncio.timeout(_READY_SECONDS), httpx.AsyncClient(timeout=2) as client:
            while True:
                for node in self.nodes:
                    with suppress(httpx.TransportError):
                        members = (await client.get(f"{node.place.rest_url}/cluster")).json()["members"]
                        if name := self._complete(members):
                            return next(each for each in self.nodes if each.place.name == name)
                await asyncio.sleep(_LOOK_SECONDS)

    def _complete(self, members: Sequence[dict[str, Any]]) -> str:
        roles = [member["role"] for member in members]
        if any(member["state"] not in {"running", "streaming"} for member in members) or len(members) < len(self.nodes):
            return ""
        if len({member.get("timeline") for member in members}) != 1 or "leader" not in roles:
            return ""
        if self._synchronous and "sync_standby" not in roles:
            return ""
        return str(next(member["name"] for member in members if member["role"] == "leader"))


@asynccontextmanager
async def running_cluster(folder: Path, *, synchronous: bool) -> AsyncIterator[Cluster]:
    """Yield a cluster that is complete; it ends with the block."""
    etcd_port = free_port()
    nodes = _make_nodes(folder, etcd_port, synchronous=synchronous)
    with _running_etcd(folder, etcd_port), ending_what_is_left(folder):
        try:
            for node in nodes:
                node.start()
            cluster = Cluster(nodes, synchronous=synchronous)
            await cluster.leader()
            yield cluster
        finally:
            for node in nodes:
                node.kill()


def _make_nodes(folder: Path, etcd_port: int, *, synchronous: bool) -> list[Node]:
    folder.mkdir()
    hand_over(folder)
    names = [f"node-{number}" for number in range(_MEMBERS)]
    return [
        Node(
            Place(name, f"127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}", folder / name),
            synchronous=synchronous,
            etcd_port=etcd_port,
        )
        for name in names
    ]


@contextmanager
def _running_etcd(folder: Path, port: int) -> Iterator[None]:
    """Keep who leads: one server is enough here, as nothing happens to it."""
    here, peers = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{free_port()}"
    clients = ["--listen-client-urls", here, "--advertise-client-urls", here]
    others = ["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers]
    command = [*DIE_WITH_US, "etcd", "--data-dir", str(folder / "etcd"), *clients, *others]
    with (folder / "etcd.log").open("wb") as log:
        process = subprocess.Popen([*command, "--initial-cluster", f"default={peers}"], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait()
