"""Programs beyond Python that some tests need."""

import os
import shutil
from typing import NoReturn

import pytest


def find_program(name: str) -> str:
    """Return where the program is; without it the test is skipped, or fails where it must not be missing."""
    path = shutil.which(name)
    if path is None:
        miss(name)
    return str(path)


def find_optional_program(name: str) -> str:
    """Return where a program is that is used where it is there; else the test is skipped."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def miss(name: str) -> NoReturn:
    """Skip the test that needs the program, or fail it where the program must not be missing."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{name} is not installed")
