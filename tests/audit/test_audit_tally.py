"""Security events are counted once they are recorded, and what came to nothing is not."""

import pytest

from auth_service.audit.events import AuditEvent, Outcome
from auth_service.audit.tally import AuditTally
from auth_service.db.errors import DatabaseUnavailableError
from auth_service.errors import ServiceError
from auth_service.items.errors import ItemNotFoundError
from tests.support.service import Service


@pytest.fixture
def tally(service: Service) -> AuditTally:
    """Return the service's tally, begun anew."""
    service.runtime.audit_tally = AuditTally()
    return service.runtime.audit_tally


async def test_what_is_committed_is_counted(service: Service, tally: AuditTally) -> None:
    async with service.runtime.unit_of_work(writing=True) as work:
        work.audit.record(AuditEvent.ITEM_CREATED, actor=None)
        work.audit.record(AuditEvent.ITEM_CREATED, actor=None)

    assert tally.events == {(AuditEvent.ITEM_CREATED, Outcome.SUCCESS): 2}


async def test_what_is_rolled_back_is_not_counted_and_its_refusal_is(service: Service, tally: AuditTally) -> None:
    async def delete_in_vain() -> None:
        async with service.runtime.unit_of_work(writing=True) as work:
            work.audit.record(AuditEvent.ITEM_DELETED, actor=None)
            work.audit.record_refusal(AuditEvent.ITEM_DELETED, actor=None)
            raise ItemNotFoundError

    with pytest.raises(ItemNotFoundError):
        await delete_in_vain()

    assert tally.events == {(AuditEvent.ITEM_DELETED, Outcome.FAILURE): 1}


@pytest.mark.parametrize(("refusal", "count"), [(ItemNotFoundError, 1), (DatabaseUnavailableError, 0)])
async def test_what_was_committed_before_a_refusal_is_counted_unless_nobody_was_told(
    service: Service, tally: AuditTally, refusal: type[ServiceError], count: int
) -> None:
    async def commit_and_fail() -> None:
        async with service.runtime.unit_of_work(writing=True) as work:
            work.audit.record(AuditEvent.ITEM_UPDATED, actor=None)
            await work.session.commit()
            raise refusal

    with pytest.raises(refusal):
        await commit_and_fail()

    assert tally.events[AuditEvent.ITEM_UPDATED, Outcome.SUCCESS] == count
