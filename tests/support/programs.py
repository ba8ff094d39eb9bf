"""Programs beyond Python that some tests need."""

import os
import shutil

import pytest


def find_program(name: str) -> str:
    """Return where the program is; without it the test is skipped, or fails where it must not be missing."""
    path = shutil.which(name)
    if path is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{name} is not installed")
    return str(path)
