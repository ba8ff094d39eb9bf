"""Opens the place that the settings say attempts are counted in."""

from auth_service.authenticators.throttle_database import DatabaseStore
from auth_service.authenticators.throttle_settings import DATABASE, MEMORY, ThrottleSettings
from auth_service.authenticators.throttle_stores import CounterStore, MemoryStore
from auth_service.db.engine import Database


def open_counter_store(settings: ThrottleSettings, database: Database) -> CounterStore:
    """Return the store; nothing is connected yet."""
    storage = settings.storage.get_secret_value()
    if storage == DATABASE:
        return DatabaseStore(database)
    if storage == MEMORY:
        return MemoryStore()
    from auth_service.authenticators.throttle_redis import RedisStore, SafeStore  # noqa: PLC0415 - 6 MB for whom it serves

    return SafeStore(RedisStore(storage))
