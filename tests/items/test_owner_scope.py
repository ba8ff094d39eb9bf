"""The owner's account comes along only with a token that may read accounts."""

import pytest
from httpx import AsyncClient

from tests.support.service import Service, assert_problem, bearer


@pytest.mark.parametrize("path", ["/items", "/items/{item}"])
async def test_a_token_for_items_alone_does_not_get_the_owner(client: AsyncClient, service: Service, path: str) -> None:
    ann = await service.make_user()
    item = await service.make_item(ann)
    narrowed = await service.sign_in_again(ann, scope="items:read")
    widened = await service.sign_in_again(ann, scope="items:read profile:read")
    url = path.format(item=item["id"])

    refused = await client.get(f"{url}?include=owner", headers=bearer(narrowed))
    plain = await client.get(url, headers=bearer(narrowed))
    allowed = await client.get(f"{url}?include=owner", headers=bearer(widened))

    assert_problem(refused, 403, code="insufficient_scope")
    assert (plain.status_code, allowed.status_code) == (200, 200)
