"""The revocation feed: by it other services learn within seconds what ended before its time."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from auth_service.api.conditional import answer_unless_fresh
from auth_service.api.dependencies import CurrentRuntime
from auth_service.api.network import address_of
from auth_service.api.openapi import oauth_problems
from auth_service.api.problems import OAUTH_PATHS
from auth_service.authenticators.throttle import network_of
from auth_service.oauth.errors import InvalidRequestError
from auth_service.security.text import Storable
from auth_service.tokens.revocation_feed import MAX_WAIT, feed_document

router = APIRouter(prefix=OAUTH_PATHS.rstrip("/"), tags=["oauth"])

MEDIA_TYPE = "application/jwt"  # RFC 7519 section 10.3.1
_MAX_SEQ = 2**63 - 1


class FeedQuery(BaseModel):
    """Where one's own copy of the list ends, and how long news may be waited for."""

    model_config = ConfigDict(extra="forbid")

    after: int = Field(default=0, ge=0, le=_MAX_SEQ, description="`next` of the last document; 0 for the full list.")
    epoch: Storable | None = Field(default=None, max_length=64, description="`epoch` of the last document.")
    wait: int = Field(
        default=0,
        ge=0,
        le=int(MAX_WAIT.total_seconds()),
        description="Seconds to wait for something new; 0 answers at once. It may come early when many wait.",
    )


@router.get(
    "/revocations",
    response_class=Response,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}, "description": "A signed list."},
        304: {"description": "Not Modified"},
        **oauth_problems(InvalidRequestError),
    },
)
async def read_revocations(
    query: Annotated[FeedQuery, Query()],
    request: Request,
    runtime: CurrentRuntime,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Read what ended: a signed list of digests, good for 15 seconds, and small whatever the number of users.

    Follow it with `after`, `epoch` and `wait`; docs/revocation-feed.md says how.
    """
    page = await runtime.revocation_feed.page(
        query.after,
        query.epoch,
        wait=timedelta(seconds=query.wait),
        network=network_of(address_of(request, trusted_hops=runtime.settings.http.trusted_hops)),
        is_gone=request.is_disconnected,
    )
    return answer_unless_fresh(
        lambda: feed_document(page, runtime.keys, runtime.settings.tokens),
        media_type=MEDIA_TYPE,
        etag=f'W/"{page.epoch}.{page.start}.{page.next}.{page.seq}"',
        cache_control="no-cache",
        if_none_match=None if query.wait else if_none_match,  # who waits wants to hear that nothing ended
    )
