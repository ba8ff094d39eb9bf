"""What the audit keeps of the administration of clients: which one, what it may do now, and never its secret."""

from typing import Any

from auth_service.clients.models import FIRST_PARTY_CLIENT_ID
from tests.support.acts import NETWORK, REQUEST_ID, World, facts

ORDERS = {"name": "Secret", "kind": "confidential", "grants": ["password"], "scopes": ["admin"]}


async def test_each_act_leaves_one_event(world: World) -> None:
    administrator = world.administrator
    made = (await world.send("POST", "/clients", administrator, ORDERS)).json()
    path = f"/clients/{made['client_id']}"
    await world.send("PATCH", path, administrator, {"name": "Secret too", "scopes": [], "is_active": False})
    await world.send("POST", f"{path}/secret", administrator, None)
    await world.send("GET", path, administrator, None)
    await world.send("GET", "/clients", administrator, None)

    await world.send("DELETE", path, administrator, None)

    rights = {"grants": ["password"], "scopes": ["admin"], "audiences": [], "own_audience": None, "is_active": True}
    narrowed = {**rights, "scopes": [], "is_active": False}
    fields = ["is_active", "name", "scopes"]
    assert [facts(event) for event in sorted(await world.new_events(), key=lambda event: event.occurred_at)] == [
        _event(world, "client.created", client=made["client_id"], rights=rights),
        _event(world, "client.updated", client=made["client_id"], rights=narrowed, fields=fields),
        _event(world, "client.secret_rotated", client=made["client_id"]),
        _event(world, "client.deleted", client=made["client_id"]),
    ]


async def test_who_is_no_administrator_leaves_a_trace(world: World) -> None:
    answer = await world.send("POST", "/clients", world.user, ORDERS)

    [event] = await world.new_events()
    assert answer.status_code == 403
    assert (event.event, event.actor_id, event.detail["action"]) == ("access.denied", world.user.id, "user.administer")


def _event(world: World, event: str, **detail: Any) -> dict[str, Any]:
    return {
        "event": event,
        "outcome": "success",
        "actor_id": world.administrator.id,
        "subject_id": None,
        "client_id": FIRST_PARTY_CLIENT_ID,
        "network": NETWORK,
        "request_id": REQUEST_ID,
        "detail": detail,
    }
