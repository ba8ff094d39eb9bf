"""Who acts in the tests of the audit."""

import pytest

from tests.support.acts import World
from tests.support.population import store_item
from tests.support.service import Service


@pytest.fixture
async def world(service: Service) -> World:
    user = await service.make_user(username="ann", full_name="Ann Secret")
    administrator = await service.make_admin()
    return World(service, user, administrator, await store_item(service, user.id))
