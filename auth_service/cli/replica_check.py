"""What `doctor` finds out about the read replica."""

from auth_service.cli.failures import cause_of_outage
from auth_service.db.engine import Database
from auth_service.db.errors import DatabaseUnavailableError
from auth_service.db.replica import Replica
from auth_service.db.schema_revision import current_revision
from auth_service.tokens.key_repository import SigningKeyRepository
from auth_service.wiring.runtime import Runtime

_VARIABLE = "AUTH_DATABASE__READ_URL"


async def find_replica_fault(runtime: Runtime, replica: Replica) -> str | None:
    """Say what keeps lists from being read there, or return None. Raises DatabaseUnavailableError for the primary."""
    revision = await current_revision(runtime.database)
    try:
        replicated = await current_revision(replica.database)
    except DatabaseUnavailableError as error:
        return (
            f"the read replica cannot be used: {cause_of_outage(error)}. Until it can, lists are read from the "
            f"primary. Start it or correct {_VARIABLE}."
        )
    if replicated != revision:
        return (
            f"its schema is at {replicated or 'nothing'}, the primary's at {revision}. "
            f"Wait until it has caught up, or correct {_VARIABLE}."
        )
    kept, copied = [await _key_ids(database) for database in (runtime.database, replica.database)]
    if kept and not kept & copied:
        return (
            "it has none of the primary's signing keys, so it is a copy of another database, and lists would show "
            f"what is in that one. Correct {_VARIABLE}."
        )
    return None


async def _key_ids(database: Database) -> set[str]:
    async with database.transaction(writing=False) as session:
        return {record.kid for record in (await SigningKeyRepository(session).read()).records}


async def describe_replica(runtime: Runtime, replica: Replica) -> str:
    """Return what to know about a replica that works, or nothing."""
    if await replica.is_itself(runtime.database):
        return f"{_VARIABLE} leads to the primary itself, which is relieved of nothing."
    return ""
