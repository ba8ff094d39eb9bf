"""An operator whose service is about to meet with faults."""

from pathlib import Path

import pytest

from tests.support.commands import Operator, make_operator


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """Return an operator whose settings are good and whose database is empty."""
    return make_operator(tmp_path)
