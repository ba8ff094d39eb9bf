"""Users over HTTP."""

from httpx import AsyncClient

from tests.conftest import MakeUser
from tests.support.service import assert_problem, bearer


async def test_a_stranger_registers_and_reads_their_account(client: AsyncClient) -> None:
    created = await client.post("/users", json={"email": "Ann@Example.com", "password": "correct horse battery"})

    assert created.status_code == 201
    assert created.json()["email"] == "Ann@Example.com"


async def test_a_user_cannot_read_somebody_else(client: AsyncClient, make_user: MakeUser) -> None:
    owner, stranger = await make_user(), await make_user()

    response = await client.get(f"/users/{owner.id}", headers=bearer(stranger))

    assert_problem(response, 403, code="permission_denied")
