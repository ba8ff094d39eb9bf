"""What a request needs before anybody asks who is calling: the process's runtime and a unit of work."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request

from auth_service.api.network import address_of
from auth_service.wiring.runtime import Runtime
from auth_service.wiring.unit_of_work import UnitOfWork

_SAFE_METHODS = frozenset({"GET", "HEAD"})


def runtime_of(request: Request) -> Runtime:
    """Return what the application was started with."""
    runtime: Runtime = request.app.state.runtime
    return runtime


async def get_runtime(request: Request) -> Runtime:
    """Return the same to a handler."""
    return runtime_of(request)


async def get_unit_of_work(request: Request) -> AsyncIterator[UnitOfWork]:
    """Open the one transaction of this request; safe methods (RFC 9110 section 9.2.1) only read."""
    runtime = runtime_of(request)
    async with runtime.unit_of_work(
        writing=request.method not in _SAFE_METHODS,
        network=address_of(request, trusted_hops=runtime.settings.http.trusted_hops),
        request_id=request.state.request_id,
        user_agent=request.headers.get("user-agent"),
        languages=request.headers.get("accept-language"),
    ) as work:
        yield work


CurrentRuntime = Annotated[Runtime, Depends(get_runtime)]

# scope="function": the commit happens before the answer is sent. With the default, a failed commit would lose the
# write after the client had got its 200.
Work = Annotated[UnitOfWork, Depends(get_unit_of_work, scope="function")]
