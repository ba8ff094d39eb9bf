"""The SQL of users."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, tablesample, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from auth_service.db.constraints import violated_constraint
from auth_service.db.hot_statement import HotStatement, columns_of, detached
from auth_service.db.hot_write import HotWrite
from auth_service.db.keyset import PageRequest, Slice
from auth_service.db.session import Session
from auth_service.users.errors import EmailTakenError, UsernameTakenError, UserNotFoundError
from auth_service.users.identifier import normalize_identifier
from auth_service.users.models import User, UserSearchTerm
from auth_service.users.queries import UserFilter, UserSort
from auth_service.users.search import search_users
from auth_service.users.search_terms import search_terms_of


class UserRepository:
    """Users and their search terms, within one unit of work."""

    def __init__(self, session: Session, *, verified_email_required: bool = False) -> None:
        """Read and write in `session`; an operator says whether who has not proven their address may sign in."""
        self._session = session
        self._verified_email_required = verified_email_required

    async def find(self, user_id: UUID) -> User | None:
        """Return the user as of this transaction, or None."""
        return await self._session.get(User, user_id)

    async def find_for_update(self, user_id: UUID) -> User | None:
        """Return the user, as it is now, and lock the row until the transaction ends, or None."""
        await self._session.flush()  # what was changed of this very user must not be forgotten
        row = await _LOCKED.find_within(self._session, user_id=user_id)
        return None if row is None else await self._session.merge(detached(User, row), load=False)

    async def note_login(self, user_id: UUID, moment: datetime) -> None:
        """Store that the user signed in at `moment`, and with it what waits to be written."""
        await _LOGIN.run(self._session, {"whose": user_id, "moment": moment})

    async def get(self, user_id: UUID) -> User:
        """Return the user; raises UserNotFoundError."""
        user = await self.find(user_id)
        if user is None:
            raise UserNotFoundError
        return user

    async def get_for_update(self, user_id: UUID) -> User:
        """Return the user and lock the row; raises UserNotFoundError."""
        user = await self.find_for_update(user_id)
        if user is None:
            raise UserNotFoundError
        return user

    async def find_by_identifier(self, identifier: str) -> User | None:
        """Return for reading the user who signs in with this e-mail address or username, or None."""
        key = normalize_identifier(identifier)
        if key is None:
            return None
        row = await (_BY_EMAIL if "@" in key else _BY_USERNAME).find(self._session, key=key)
        return None if row is None else detached(User, row)

    async def lock_active_administrators(self) -> Mapping[UUID, int]:
        """Lock every active administrator, always in the same order, and return their credential epochs by id."""
        statement = select(User.id, User.credential_epoch).where(*self._administers())
        return dict((await self._session.exec(statement.order_by(col(User.id)).with_for_update())).all())

    async def has_active_administrator(self) -> bool:
        """Say whether there is one, without waiting for anybody who is changing them."""
        statement = select(User.id).where(*self._administers()).limit(1)
        return (await self._session.exec(statement)).first() is not None

    def _administers(self) -> list[ColumnElement[bool]]:
        """Say in SQL who can act as an administrator: of those who may not sign in, none counts."""
        proven = [col(User.email_verified_at).is_not(None)] if self._verified_email_required else []
        return [and_(col(User.is_superuser)), and_(col(User.is_active)), *proven]

    async def search(self, wanted: UserFilter, sort: UserSort, page: PageRequest) -> Slice[User]:
        """Return one page of the users that `wanted` describes."""
        return await search_users(self._session, wanted, sort, page)

    async def sample_hashes(self, *, about: int) -> Sequence[str]:
        """Return the password hashes of about so many random users; on PostgreSQL without reading all of them."""
        hashes = select(User.hashed_password).where(col(User.hashed_password).is_not(None))
        if self._session.get_bind().dialect.name == "sqlite":
            sample = hashes.order_by(func.random()).limit(about)
        else:
            known = await self._session.scalar(text("SELECT reltuples FROM pg_class WHERE oid = 'users'::regclass"))
            percent = min(100.0, 100.0 * about / max(known, 1))
            users = aliased(User, tablesample(User, func.system(percent)))
            sample = select(users.hashed_password).where(col(users.hashed_password).is_not(None)).limit(4 * about)
        return [str(stored) for stored in (await self._session.exec(sample)).all()]

    async def add(self, user: User) -> None:
        """Store a new user; raises EmailTakenError or UsernameTakenError."""
        self._session.add(user)
        await self._flush()
        self._session.add_all(_terms_of(user))

    async def save(self, user: User) -> None:
        """Store what was changed; raises EmailTakenError or UsernameTakenError."""
        await self._flush()
        await self._session.exec(delete(UserSearchTerm).where(col(UserSearchTerm.user_id) == user.id))
        self._session.add_all(_terms_of(user))

    async def delete(self, user: User) -> None:
        """Remove a user; what the user owns goes along."""
        await self._session.exec(delete(User).where(col(User.id) == user.id))

    async def _flush(self) -> None:
        """Let the constraints decide, and turn what they refuse into a refusal that a caller understands."""
        try:
            await self._session.flush()
        except IntegrityError as error:
            constraint = violated_constraint(error)
            for column, refusal in _UNIQUE.items():
                if column in constraint:
                    raise refusal from error
            raise


def _terms_of(user: User) -> Iterator[UserSearchTerm]:
    return (UserSearchTerm(term=term, created_at=user.created_at, user_id=user.id) for term in search_terms_of(user))


_SELECTED = select(*columns_of(User))
_BY_EMAIL, _BY_USERNAME = (
    HotStatement(_SELECTED.where(col(column) == bindparam("key"))) for column in (User.email_normalized, User.username)
)
_LOCKED = HotStatement(_SELECTED.where(col(User.id) == bindparam("user_id")).with_for_update())
_LOGIN = HotWrite(
    update(User)
    .where(col(User.id) == bindparam("whose"))
    .values(last_login_at=bindparam("moment"))
    .returning(col(User.id))
)
_UNIQUE = {"email_normalized": EmailTakenError, "username": UsernameTakenError}
