"""Whether a password was stolen somewhere, where an operator wants that to be asked."""

from collections.abc import Awaitable, Callable

from pydantic import SecretStr

Close = Callable[[], Awaitable[None]]


class BreachedPasswords:
    """Asks a range API, or nobody. Close it with `close`."""

    def __init__(self, range_url: str | None) -> None:
        """Ask at `range_url`, to which a prefix is added; None: ask nobody."""
        self._close: Close | None = None
        self._contain: Callable[[SecretStr], Awaitable[bool]] | None = None
        if range_url is not None:
            from auth_service.authenticators.breach_range import BreachRange  # noqa: PLC0415 - an HTTP client is 2 MB

            asked = BreachRange(range_url)
            self._contain, self._close = asked.contain, asked.close

    async def contain(self, password: SecretStr) -> bool:
        """Say whether the password was stolen somewhere. Never ask in a transaction: somebody else is waited for."""
        return self._contain is not None and await self._contain(password)

    async def close(self) -> None:
        """Close the connections, if there are any."""
        if self._close is not None:
            await self._close()
