"""One real kill, so that the command for all of them does not rot: whatever was acknowledged is there."""

import shutil
import signal
from pathlib import Path

import pytest

from chaos.goals import nothing_doubled, nothing_lost
from chaos.installation import judge_run, running_installation
from chaos.ledger import Kind
from chaos.load import loading
from tests.support.databases import Databases


@pytest.fixture
def own_balancer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the same balancer on every machine."""
    monkeypatch.setattr(shutil, "which", lambda *_arguments, **_options: None)


@pytest.fixture
def database_url(databases: Databases) -> str:
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL")
    return databases.empty("postgresql")


@pytest.mark.usefixtures("own_balancer")
async def test_a_replica_that_is_killed_takes_no_acknowledged_write_along(database_url: str, tmp_path: Path) -> None:
    async with running_installation(database_url, tmp_path, replicas=2) as installation:
        async with loading(installation.url, installation.ledgers, clients=4) as load:
            code = await installation.replicas[0].end(signal.SIGKILL)
            await load.until_everybody_writes()
        verdicts = await judge_run(installation, database_url)

    assert code == -signal.SIGKILL
    assert {each.kind for each in verdicts if each.acknowledged} == {*Kind}
    assert (nothing_lost(verdicts).met, nothing_doubled(verdicts).met) == (True, True), verdicts
