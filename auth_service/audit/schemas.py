"""The public shape of a security event."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from auth_service.audit.events import Outcome


class AuditEventRead(BaseModel):
    """Who did what to what, from where, and whether it was allowed. Nobody changes an event or removes it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    occurred_at: datetime
    event: str = Field(examples=["sign_in"])
    outcome: Outcome
    actor_id: UUID | None = Field(description="The account that did it; null for a stranger, a client, an operator.")
    subject_id: UUID | None = Field(description="The account, or the item, that it was done to.")
    client_id: str | None = Field(examples=["client_first_party"])
    network: str | None = Field(description="The address that the request came from.", examples=["192.0.2.1"])
    request_id: str | None = Field(description="The X-Request-ID of the answer.", examples=["0f5b1c7e"])
    detail: dict[str, Any] = Field(
        description="More about it: reasons and names, never a secret.", examples=[{"reason": "wrong_password"}]
    )
