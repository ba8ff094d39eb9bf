"""The one table of authorization rules, relation by relation and scope by scope."""

from uuid import UUID

import pytest
from sqlalchemy import ColumnElement
from sqlmodel import col

from auth_service.authz.actions import Action
from auth_service.authz.errors import AccessDeniedError, InsufficientScopeError, UnknownScopeError
from auth_service.authz.policy import RULES, authorize, owner, superuser, visible_to
from auth_service.authz.principal import OPERATOR, Principal
from auth_service.authz.scopes import (
    OWNER_SCOPES,
    SCOPE_DESCRIPTIONS,
    Scope,
    format_scopes,
    grantable_scopes,
    parse_scopes,
)
from auth_service.items.models import Item

ANN, BOB = UUID(int=1), UUID(int=2)
EVERY_SCOPE = frozenset(Scope)
OWNER_ID = col(Item.owner_id)


def principal(*, is_superuser: bool = False, scopes: frozenset[Scope] = EVERY_SCOPE) -> Principal:
    return Principal(subject=ANN, is_superuser=is_superuser, scopes=scopes, client_id="client_first_party")


def test_every_action_has_a_rule_and_every_rule_somebody_who_satisfies_it() -> None:
    assert set(RULES) == set(Action)
    assert all(RULES.values())


def test_each_action_has_exactly_its_rule() -> None:
    by_superusers_alone = {action for action, rule in RULES.items() if rule == (superuser,)}
    by_owners_alone = {action for action, rule in RULES.items() if rule == (owner,)}

    assert by_superusers_alone == {
        Action.USER_SEARCH,
        Action.USER_CREATE,
        Action.USER_ADMINISTER,
        Action.USER_DELETE,
        Action.SECOND_FACTOR_REMOVE,
        Action.ITEM_DELETE,
        Action.CLIENT_ADMINISTER,
        Action.RECOVERY_START,
        Action.USER_INVITE,
    }
    assert by_owners_alone == {
        Action.USER_DEACTIVATE,
        Action.USER_EXPORT,
        Action.PASSWORD_CHANGE,
        Action.EMAIL_CHANGE,
        Action.SECOND_FACTOR_READ,
        Action.SECOND_FACTOR_CHANGE,
        Action.ITEM_CREATE,
    }
    assert {rule for action, rule in RULES.items() if action not in by_superusers_alone | by_owners_alone} == {
        (owner, superuser)
    }


def test_what_an_owner_may_do_has_an_owners_scope_and_nothing_else_has() -> None:
    assert set(OWNER_SCOPES) == {action for action, rule in RULES.items() if owner in rule}


@pytest.mark.parametrize("action", Action)
def test_an_owner_may_do_exactly_what_the_table_says(action: Action) -> None:
    if owner in RULES[action]:
        authorize(principal(), action, owner_id=ANN)
    else:
        with pytest.raises(AccessDeniedError) as refused:
            authorize(principal(), action, owner_id=ANN)
        assert refused.value.action == action


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("owner_id", [BOB, None])
def test_whoever_does_not_own_it_may_do_nothing(action: Action, owner_id: UUID | None) -> None:
    with pytest.raises(AccessDeniedError) as refused:
        authorize(principal(), action, owner_id=owner_id)

    assert refused.value.code == "permission_denied"


@pytest.mark.parametrize("action", Action)
def test_a_superuser_may_do_exactly_what_the_table_says(action: Action) -> None:
    if superuser in RULES[action]:
        authorize(principal(is_superuser=True), action, owner_id=BOB)
    else:
        with pytest.raises(AccessDeniedError):
            authorize(principal(is_superuser=True), action, owner_id=BOB)


@pytest.mark.parametrize("action", [action for action, rule in RULES.items() if owner in rule])
def test_an_owner_needs_the_scope_of_the_action(action: Action) -> None:
    needed = OWNER_SCOPES[action]

    authorize(principal(scopes=frozenset({needed})), action, owner_id=ANN)
    with pytest.raises(InsufficientScopeError) as refused:
        authorize(principal(scopes=EVERY_SCOPE - {needed}), action, owner_id=ANN)

    assert (refused.value.scope, refused.value.action) == (needed, action)


@pytest.mark.parametrize("action", [action for action, rule in RULES.items() if superuser in rule])
def test_a_superuser_needs_the_admin_scope(action: Action) -> None:
    authorize(principal(is_superuser=True, scopes=frozenset({Scope.ADMIN})), action, owner_id=BOB)
    with pytest.raises(InsufficientScopeError) as refused:
        authorize(principal(is_superuser=True, scopes=EVERY_SCOPE - {Scope.ADMIN}), action, owner_id=BOB)

    assert refused.value.scope == Scope.ADMIN


def test_the_admin_scope_makes_nobody_an_administrator() -> None:
    with pytest.raises(AccessDeniedError):
        authorize(principal(scopes=frozenset({Scope.ADMIN})), Action.USER_DELETE)


def test_an_administrators_own_things_are_also_reached_by_an_owners_scope() -> None:
    authorize(principal(is_superuser=True, scopes=frozenset({Scope.ITEMS_READ})), Action.ITEM_READ, owner_id=ANN)


def test_an_operator_may_do_what_superusers_may_and_owns_nothing() -> None:
    authorize(OPERATOR, Action.USER_CREATE)
    with pytest.raises(AccessDeniedError):
        authorize(OPERATOR, Action.ITEM_CREATE, owner_id=None)


def _sql(condition: ColumnElement[bool]) -> str:
    return str(condition.compile(compile_kwargs={"literal_binds": True}))


def test_rows_are_visible_to_their_owner_alone() -> None:
    condition = visible_to(principal(), Action.ITEM_READ, OWNER_ID)

    assert _sql(condition) == _sql(OWNER_ID == ANN)


def test_every_row_is_visible_to_a_superuser() -> None:
    assert _sql(visible_to(principal(is_superuser=True), Action.ITEM_READ, OWNER_ID)) == "true"
    assert _sql(visible_to(OPERATOR, Action.ITEM_READ, OWNER_ID)) == "true"


def test_a_superuser_without_the_admin_scope_sees_their_own_rows() -> None:
    narrowed = principal(is_superuser=True, scopes=frozenset({Scope.ITEMS_READ}))

    assert _sql(visible_to(narrowed, Action.ITEM_READ, OWNER_ID)) == _sql(OWNER_ID == ANN)


@pytest.mark.parametrize("is_superuser", [False, True])
def test_without_a_scope_for_it_no_row_is_asked_for(*, is_superuser: bool) -> None:
    narrowed = principal(is_superuser=is_superuser, scopes=frozenset({Scope.PROFILE_READ}))

    with pytest.raises(InsufficientScopeError):
        visible_to(narrowed, Action.ITEM_READ, OWNER_ID)


def test_rows_of_a_rule_without_superusers_are_their_owners() -> None:
    condition = visible_to(principal(is_superuser=True), Action.ITEM_CREATE, OWNER_ID)

    assert _sql(condition) == _sql(OWNER_ID == ANN)


def test_every_scope_is_described() -> None:
    assert set(SCOPE_DESCRIPTIONS) == set(Scope)


def test_admin_is_for_superusers() -> None:
    assert grantable_scopes(is_superuser=True) == EVERY_SCOPE
    assert grantable_scopes(is_superuser=False) == EVERY_SCOPE - {Scope.ADMIN}


@pytest.mark.parametrize(
    "text", ["profile:read items:read", " items:read  profile:read ", "items:read " * 3 + "profile:read"]
)
def test_scopes_are_read_in_any_order_and_written_in_one(text: str) -> None:
    assert format_scopes(parse_scopes(text)) == "items:read profile:read"


@pytest.mark.parametrize("text", ["", " ", "everything", "profile:read everything", "ADMIN", "profile:read,admin"])
def test_an_unknown_scope_is_refused(text: str) -> None:
    with pytest.raises(UnknownScopeError):
        parse_scopes(text)
