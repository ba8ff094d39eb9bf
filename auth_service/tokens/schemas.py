"""The public shape of a session."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from auth_service.tokens.models import SessionRecord


class SessionRead(BaseModel):
    """Where an account is signed in; its id is the `sid` of every access token that belongs to it."""

    id: UUID
    is_current: bool = Field(description="Whether it is the session that asks.")
    client_id: str = Field(examples=["client_first_party"])
    scopes: list[str] = Field(examples=[["items:read", "profile:read"]])
    amr: list[str] = Field(
        description="How the person proved who they are (RFC 8176).", examples=[["pwd", "otp", "mfa"]]
    )
    network: str | None = Field(description="The address of the last refresh.", examples=["192.0.2.1"])
    user_agent: str | None = Field(description="The program of the last refresh.", examples=["Mozilla/5.0"])
    created_at: datetime
    last_used_at: datetime = Field(description="The sign-in or the last refresh.")
    idle_expires_at: datetime = Field(description="When it ends unless it is refreshed.")
    expires_at: datetime = Field(description="When it ends in any case.")

    @classmethod
    def of(cls, session: SessionRecord, *, caller: UUID | None) -> Self:
        """Describe a session to whoever calls from the session `caller`."""
        return cls.model_validate({**session.model_dump(), "is_current": session.id == caller})


class SessionDetail(SessionRead):
    """The same, and what else is stored of it but secrets; it may have ended."""

    audiences: list[str]
    ended_at: datetime | None
