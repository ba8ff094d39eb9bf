"""An administrator who is demoted, disabled or deleted while a request of theirs waits: it is refused all the same."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient

from tests.support.held import held_hash
from tests.support.service import PASSWORD, Account, Service, bearer

NEW_USER = {"email": "evil@example.com", "password": PASSWORD, "is_superuser": True}
CHANGES: dict[str, dict[str, Any] | None] = {
    "demoted": {"is_superuser": False},
    "disabled": {"is_active": False},
    "deleted": None,
}


async def _remove(client: AsyncClient, whom: Account, by: Account, change: dict[str, Any] | None) -> None:
    path = f"/users/{whom.id}"
    answer = await (
        client.delete(path, headers=bearer(by))
        if change is None
        else client.patch(path, headers=bearer(by), json=change)
    )
    assert answer.is_success, answer.text


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_an_account_is_not_created_by_somebody_who_lost_the_right_while_it_was_hashed(
    service: Service, change: dict[str, Any] | None
) -> None:
    mallory, administrator = await service.make_admin(), await service.make_admin()

    with held_hash(service.runtime.hasher) as held:
        creating = asyncio.create_task(service.client.post("/users", headers=bearer(mallory), json=NEW_USER))
        await held.hashed.wait()
        await _remove(service.client, mallory, administrator, change)
        held.release()
        answer = await creating

    assert answer.status_code == 403, answer.text
    found = await service.client.get("/users?q=evil", headers=bearer(administrator))
    assert found.json()["data"] == []


async def test_of_administrators_who_demote_each_other_at_once_only_one_is_obeyed(service: Service) -> None:
    for _ in range(5):
        one, other, _third = await service.make_admin(), await service.make_admin(), await service.make_admin()

        answers = await asyncio.gather(
            *(
                service.client.patch(f"/users/{whom.id}", headers=bearer(by), json={"is_superuser": False})
                for whom, by in ((one, other), (other, one))
            )
        )

        assert sorted(answer.status_code for answer in answers) in ([200, 401], [200, 403])
