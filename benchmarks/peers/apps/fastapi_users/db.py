"""The tables of the peer built on fastapi-users, and its sessions."""

import os
import uuid
from collections.abc import AsyncGenerator
from decimal import Decimal

from fastapi import Depends
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from sqlalchemy import ForeignKey, Numeric, String
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

engine = create_async_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://"))
async_session_maker = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """What all tables are made from."""


class User(SQLAlchemyBaseUserTableUUID, Base):
    """An account, with the columns that fastapi-users brings."""


class Item(Base):
    """What a user owns."""

    __tablename__ = "item"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    owner_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("user.id", ondelete="cascade"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str | None]
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2))


async def create_db_and_tables() -> None:
    """Make what is missing."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)


async def get_async_session() -> AsyncGenerator[AsyncSession, None]:
    """Yield a session for one request."""
    async with async_session_maker() as session:
        yield session


async def get_user_db(
    session: AsyncSession = Depends(get_async_session),
) -> AsyncGenerator[SQLAlchemyUserDatabase, None]:
    """Yield what the user manager reads and writes by."""
    yield SQLAlchemyUserDatabase(session, User)
