"""Every call that the OpenAPI document describes, made with its own example."""

from httpx import AsyncClient

from tests.support.oauth import form_for
from tests.support.openapi import FORM, JSON, Operation, operations
from tests.support.paths import fill
from tests.support.service import Account, Service, bearer


async def statuses_of_every_route(service: Service) -> dict[str, int]:
    """Call each as an administrator of its own, because some of them end what others need."""
    answers = {}
    for operation in operations():
        admin = await service.make_admin()
        item = await service.make_item(admin)
        answers[str(operation)] = await _call(service.client, operation, admin, item["id"])
    return answers


async def _call(client: AsyncClient, operation: Operation, account: Account, item_id: str) -> int:
    path = fill(operation.path, user_id=account.id, item_id=item_id)
    body, form = operation.body_schema(JSON), operation.body_schema(FORM)
    answer = await client.request(
        operation.method,
        path,
        headers={} if form else bearer(account),
        json=body["examples"][0] if body else None,
        data=form_for(operation.path, account) if form else None,
    )
    return answer.status_code
