"""Every overlay, and the base, rendered once."""

from functools import cache

import pytest

from tests.support.manifests import K8S, Manifest, rendered


@cache
def _rendered(name: str) -> list[Manifest]:
    return rendered(K8S / name)


@pytest.fixture(params=["base", "overlays/dev", "overlays/production"])
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    """Return what the base and each overlay render to: for what holds everywhere."""
    return _rendered(request.param)


@pytest.fixture
def base() -> list[Manifest]:
    return _rendered("base")


@pytest.fixture
def dev() -> list[Manifest]:
    return _rendered("overlays/dev")


@pytest.fixture
def production() -> list[Manifest]:
    return _rendered("overlays/production")


@pytest.fixture
def readme() -> str:
    return (K8S / "README.md").read_text(encoding="utf-8")
