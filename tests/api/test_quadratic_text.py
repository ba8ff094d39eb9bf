"""Text whose normalisation takes time by the square of its length is refused by its length, before it is normalised."""

import unicodedata
from typing import Any

import pytest

from tests.support.service import PASSWORD, Service

MARKS = "a" + "\u0301" * 4000 + "\u0316" * 4000
LONGEST_NORMALISED = 2000


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note how much text is normalised at a time."""
    lengths: list[int] = []
    normalize: Any = unicodedata.normalize

    def watch(form: Any, text: str) -> str:
        lengths.append(len(text))
        normalized: str = normalize(form, text)
        return normalized

    monkeypatch.setattr(unicodedata, "normalize", watch)
    return lengths


async def test_a_password_to_register_with(service: Service, watched: list[int]) -> None:
    answer = await service.client.post("/users", json={"email": "ann@example.com", "password": MARKS})

    assert answer.status_code == 422
    assert max(watched, default=0) < LONGEST_NORMALISED


async def test_a_password_to_sign_in_with(service: Service, watched: list[int]) -> None:
    answer = await service.sign_in("ann@example.com", MARKS)

    assert answer.status_code == 400
    assert max(watched, default=0) < LONGEST_NORMALISED


async def test_an_identifier_to_sign_in_with(service: Service, watched: list[int]) -> None:
    answer = await service.sign_in(f"{MARKS}@example.com", PASSWORD)

    assert answer.status_code == 400
    assert max(watched, default=0) < LONGEST_NORMALISED
