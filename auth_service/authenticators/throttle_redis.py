"""Counts attempts in a Redis or Valkey, and says what is done while it is away."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from auth_service.authenticators.throttle_settings import redis_url
from auth_service.authenticators.throttle_stores import Counter, CounterStore, MemoryStore, StoreAwayError

log = structlog.get_logger()

_PREFIX = "auth-service:throttle:"
_PATIENCE_SECONDS = 0.5  # to connect and to answer, together
_PAUSE_SECONDS = 10.0
_AWAY = (RedisError, OSError, TimeoutError)

# The keys come in pairs: a counter, and the mark under which it has no limit (or nothing). The arguments are its limit
# and its window. Redis runs a script as a whole, so this counts all or none.
_COUNT = """
local wait, limited = -1, {}
for i = 1, #KEYS, 2 do
  limited[i] = KEYS[i + 1] == '' or redis.call('EXISTS', KEYS[i + 1]) == 0
  if limited[i] and tonumber(redis.call('GET', KEYS[i]) or 0) >= tonumber(ARGV[i]) then
    wait = math.max(wait, redis.call('PTTL', KEYS[i]))
  end
end
if wait >= 0 then return wait end
for i = 1, #KEYS, 2 do
  if limited[i] and redis.call('INCR', KEYS[i]) == 1 then redis.call('PEXPIRE', KEYS[i], ARGV[i + 1]) end
end
return -1
"""

Result = TypeVar("Result")


class RedisStore:
    """One script counts an attempt; raises RedisError, OSError."""

    is_away = False  # it raises

    def __init__(self, url: str) -> None:
        """Prepare the client; nothing is connected yet."""
        self._redis: Any = Redis.from_url(redis_url(url), retry=Retry(NoBackoff(), 0))
        self._script = self._redis.register_script(_COUNT)

    async def count(self, counters: Sequence[Counter]) -> float | None:
        """Count in one round trip."""
        keys = [_PREFIX + key if key else "" for each in counters for key in (each.key, each.unless)]
        arguments = [number for each in counters for number in (each.limit, int(1000 * each.window))]
        milliseconds: int = await self._script(keys=keys, args=arguments)
        return milliseconds / 1000 if milliseconds >= 0 else None

    async def succeed(self, *, clear: str, mark: str, lasting: float) -> None:
        """Forget one and mark the other, in one round trip."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(_PREFIX + clear)
            if lasting > 0:
                pipeline.set(_PREFIX + mark, 1, px=int(1000 * lasting))
            await pipeline.execute()

    async def check(self) -> None:
        """Ask for a sign of life."""
        await self._redis.ping()

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


class SafeStore:
    """The safe mode: while the shared store is away, each process counts in its own memory by the same limits.

    So sign-in works, and an attacker gets at most as many times the guesses as there are processes. It takes half a
    second to find out, which only those pay who ask at that moment; then the store is left alone for ten seconds, and
    one caller tries it again.
    """

    def __init__(self, shared: CounterStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Use `shared` as long as it answers."""
        self._shared = shared
        self._own = MemoryStore(clock=clock)
        self._clock = clock
        self._tried_again_at: float | None = None

    @property
    def is_away(self) -> bool:
        """Whether each process counts by itself now."""
        return self._tried_again_at is not None

    async def count(self, counters: Sequence[Counter]) -> float | None:
        """Count there, or here."""
        return await self._first_of(lambda: self._shared.count(counters), lambda: self._own.count(counters))

    async def succeed(self, *, clear: str, mark: str, lasting: float) -> None:
        """Forget and mark there, or here."""
        await self._first_of(
            lambda: self._shared.succeed(clear=clear, mark=mark, lasting=lasting),
            lambda: self._own.succeed(clear=clear, mark=mark, lasting=lasting),
        )

    async def check(self) -> None:
        """Ask the shared store for a sign of life; raises StoreAwayError."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._shared.check()
        except _AWAY as error:
            raise StoreAwayError(type(error).__name__) from error

    async def close(self) -> None:
        """Close the shared store."""
        await self._shared.close()

    async def _first_of(self, there: Callable[[], Awaitable[Result]], here: Callable[[], Awaitable[Result]]) -> Result:
        if self._tried_again_at is not None:
            if self._clock() < self._tried_again_at:
                return await here()
            self._tried_again_at = self._clock() + _PAUSE_SECONDS  # one tries, the others do not wait for it
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                result = await there()
        except _AWAY as error:
            if self._tried_again_at is None:
                log.error("throttle.store_away", reason=type(error).__name__, tried_again_after=_PAUSE_SECONDS)  # noqa: TRY400
            self._tried_again_at = self._clock() + _PAUSE_SECONDS
            return await here()
        if self._tried_again_at is not None:
            self._tried_again_at = None
            log.warning("throttle.store_back")
        return result
