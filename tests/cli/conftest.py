"""An operator at the command line."""

import os
from pathlib import Path

import pytest

from tests.support.commands import Operator, make_operator


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    """Return an operator whose settings are good and whose database is empty."""
    for name in [name for name in os.environ if name.upper().startswith("AUTH_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return make_operator(tmp_path)
