"""Migrations expand: the release before still works over what they leave (docs/decisions/0019)."""

import ast
import re
from collections.abc import Iterator

import pytest

from auth_service.db.schema_revision import MIGRATIONS

BEFORE_THE_FIRST_RELEASE = {"0001", "0002", "0003", "0004", "0005"}
SAID = "contracts_what_is_unused_since"
CONTRACTING_CALLS = {
    "alter_column",
    "create_check_constraint",
    "create_exclude_constraint",
    "create_foreign_key",
    "create_unique_constraint",
    "drop_column",
    "drop_table",
    "rename_table",
}


def contractions(source: str) -> list[str]:
    """Return what but in `downgrade` an older release may stumble over, unless the migration says why it does not."""
    tree = ast.parse(source)
    if any(isinstance(node, ast.Name) and node.id == SAID for node in ast.walk(tree)):
        return []
    tree.body = [node for node in tree.body if not (isinstance(node, ast.FunctionDef) and node.name == "downgrade")]
    return list(_contractions_of(tree))


def _contractions_of(upgrade: ast.Module) -> Iterator[str]:
    made = {_first_text(call) for call in _calls(upgrade) if _name(call) == "create_table"}
    for call in _calls(upgrade):
        options = {option.arg: option.value for option in call.keywords}
        if _name(call) in CONTRACTING_CALLS:
            yield _name(call)
        elif _name(call) == "create_index" and _is(options.get("unique"), value=True) and _table(call) not in made:
            yield "create_index(unique=True)"
        elif _name(call) == "execute" and re.search(r"\b(ALTER|DROP)\b", ast.unparse(call), re.IGNORECASE):
            yield "execute"
        elif _name(call) == "add_column":
            yield from ("add_column(nullable=False)" for column in _calls(call) if _demands_a_value(column))


def _demands_a_value(column: ast.Call) -> bool:
    options = {option.arg: option.value for option in column.keywords}
    return _name(column) == "Column" and _is(options.get("nullable"), value=False) and "server_default" not in options


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    return (each for each in ast.walk(node) if isinstance(each, ast.Call))


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _first_text(call: ast.Call) -> object:
    return call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None


def _table(call: ast.Call) -> object:
    return call.args[1].value if len(call.args) > 1 and isinstance(call.args[1], ast.Constant) else None


def _is(node: ast.expr | None, *, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def test_migrations_after_the_first_release_expand() -> None:
    paths = sorted((MIGRATIONS / "versions").glob("[0-9]*_*.py"))
    later = [path for path in paths if path.name.partition("_")[0] not in BEFORE_THE_FIRST_RELEASE]

    found = {path.name: contractions(path.read_text(encoding="utf-8")) for path in later}

    assert {name: calls for name, calls in found.items() if calls} == {}


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ('op.drop_table("items")', ["drop_table"]),
        ('op.drop_column("items", "price")', ["drop_column"]),
        ('op.rename_table("items", "things")', ["rename_table"]),
        ('op.alter_column("items", "price", nullable=False)', ["alter_column"]),
        ('op.create_unique_constraint("uq", "items", ["title"])', ["create_unique_constraint"]),
        ('op.create_index("ix", "items", ["title"], unique=True)', ["create_index(unique=True)"]),
        ('op.add_column("items", sa.Column("note", sa.String(20), nullable=False))', ["add_column(nullable=False)"]),
        ('op.add_column("items", sa.Column("note", sa.String(20), nullable=False, server_default=""))', []),
        ('op.add_column("items", sa.Column("note", sa.String(20), nullable=True))', []),
        ('op.create_index("ix", "items", ["title"])', []),
        ('op.create_table("notes")\n    op.create_index("ix", "notes", ["text"], unique=True)', []),
        ('op.execute("ALTER TABLE items DROP COLUMN price")', ["execute"]),
        ('_go()\n\n\ndef _go():\n    op.drop_table("items")', ["drop_table"]),
        (f'{SAID} = "0.2.0"\n    op.drop_column("items", "price")', []),
    ],
)
def test_what_an_older_release_may_stumble_over_is_found(statement: str, found: list[str]) -> None:
    source = f"def upgrade():\n    {statement}\n\n\ndef downgrade():\n    op.drop_column('items', 'note')\n"

    assert contractions(source) == found
