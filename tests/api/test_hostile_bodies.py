"""Bodies that are hostile, careless or too much: each an exact refusal, nothing of it repeated, nothing stored."""

import json

import pytest

from tests.support.attacks import MARKER, Attack, Target, attack

_TITLE = f'"title": "{MARKER}"'
_FAULTS = json.dumps(dict.fromkeys(map(str, range(5_000)), 0))
_REGISTRATION = f'"email": "ann@example.com", "password": "{MARKER}"'


def _item(members: str) -> str:
    return f"{{{_TITLE}, {members}}}"


ATTACKS = [
    # No body, or one of another kind
    attack("missing", "POST", "/items", 422, "invalid_input", None),
    attack("empty", "POST", "/items", 422, "invalid_input", b""),
    attack("null", "POST", "/items", 422, "invalid_input", "null"),
    attack("list", "POST", "/items", 422, "invalid_input", f'["{MARKER}"]'),
    attack("text", "PATCH", "/users/{me}", 422, "invalid_input", f'"{MARKER}"'),
    attack("number", "PATCH", "/items/{item}", 422, "invalid_input", "1"),
    attack("breaks-off", "POST", "/users", 422, "invalid_input", f'{{"password": "{MARKER}'),
    attack("two-documents", "POST", "/items", 422, "invalid_input", f"{{{_TITLE}}}{{{_TITLE}}}"),
    attack("as-text", "POST", "/items", 422, "invalid_input", f"{{{_TITLE}}}", {"Content-Type": "text/plain"}),
    attack("without-a-type", "POST", "/items", 422, "invalid_input", f"{{{_TITLE}}}", {}),
    attack("with-an-empty-type", "POST", "/items", 422, "invalid_input", f"{{{_TITLE}}}", {"Content-Type": ""}),
    attack(
        "as-a-form",
        "POST",
        "/items",
        422,
        "invalid_input",
        f"title={MARKER}",
        {"Content-Type": "application/x-www-form-urlencoded"},
    ),
    attack(
        "as-a-broken-multipart",
        "POST",
        "/items",
        422,
        "invalid_input",
        f"--x\r\n{MARKER}",
        {"Content-Type": "multipart/form-data; boundary=x"},
    ),
    # Bytes that are no text, and more than a parser takes
    attack("invalid-utf-8", "POST", "/items", 400, "invalid_request", b'{"title": "Tr0ub4dor&3\xff"}'),
    attack("cut-utf-8", "POST", "/items", 400, "invalid_request", b'{"title": "Tr0ub4dor&3\xf0\x9f"}'),
    attack("deep-lists", "POST", "/items", 400, "invalid_request", "[" * 60_000),
    attack("deep-objects", "POST", "/items", 400, "invalid_request", '{"a":' * 12_000),
    attack("a-hundred-thousand-brackets", "POST", "/items", 413, "body_too_large", "[" * 100_000),
    attack("too-large", "POST", "/users", 413, "body_too_large", MARKER * 10_000),
    attack("too-large-for-a-route-that-reads-none", "GET", "/items", 413, "body_too_large", MARKER * 10_000),
    attack("ten-thousand-faults", "POST", "/items", 422, "invalid_input", _FAULTS),
    # Numbers
    attack("nan", "POST", "/items", 422, "invalid_input", _item('"price": NaN')),
    attack("infinity", "POST", "/items", 422, "invalid_input", _item('"price": Infinity')),
    attack("minus-infinity", "POST", "/items", 422, "invalid_input", _item('"price": -Infinity')),
    attack("nan-as-text", "POST", "/items", 422, "invalid_input", _item('"price": "NaN"')),
    attack("signalling-nan", "POST", "/items", 422, "invalid_input", _item('"price": "sNaN"')),
    attack("infinity-as-text", "POST", "/items", 422, "invalid_input", _item('"price": "Infinity"')),
    attack("float-overflow", "POST", "/items", 422, "invalid_input", _item('"price": 1e400')),
    attack("huge-exponent", "POST", "/items", 422, "invalid_input", _item('"price": "1e999999999"')),
    attack("tiny-exponent", "POST", "/items", 422, "invalid_input", _item('"price": "1e-999999999"')),
    attack("beyond-the-column", "POST", "/items", 422, "invalid_input", _item('"price": 10000000000')),
    attack("five-thousand-digits", "POST", "/items", 400, "invalid_request", _item(f'"price": 1{"0" * 5000}')),
    attack("negative", "PATCH", "/items/{item}", 422, "invalid_input", _item('"price": -0.01')),
    attack("a-tenth-of-a-cent", "PUT", "/items/{item}", 422, "invalid_input", _item('"price": 0.001')),
    attack("boolean-price", "POST", "/items", 422, "invalid_input", _item('"price": true')),
    attack("price-object", "POST", "/items", 422, "invalid_input", _item(f'"price": {{"{MARKER}": 1}}')),
    attack("number-as-a-flag", "PATCH", "/users/{me}", 422, "invalid_input", f'{{"is_active": 1{"0" * 300}}}'),
    attack("null-for-a-flag", "PATCH", "/users/{me}", 422, "invalid_input", '{"is_superuser": null}'),
    # Lengths
    attack("blank-title", "POST", "/items", 422, "invalid_input", '{"title": " \\t\\n "}'),
    attack("long-title", "POST", "/items", 422, "invalid_input", json.dumps({"title": MARKER * 20})),
    attack("null-title", "PATCH", "/items/{item}", 422, "invalid_input", '{"title": null}'),
    attack("long-description", "POST", "/items", 422, "invalid_input", _item(f'"description": "{MARKER * 1000}"')),
    attack("long-name", "PATCH", "/users/me", 422, "invalid_input", json.dumps({"full_name": "é" * 201})),
    attack("long-address", "POST", "/users", 422, "invalid_input", json.dumps({"email": f"{'a' * 250}@example.com"})),
    attack("short-name-of-account", "PATCH", "/users/me", 422, "invalid_input", '{"username": "a\\n"}'),
    attack("unicode-digits", "PATCH", "/users/me", 422, "invalid_input", '{"username": "\\uff11\\uff12\\uff13"}'),
    attack("long-password", "POST", "/users", 422, "invalid_input", f'{{{_REGISTRATION[:-1]}{MARKER * 24}"}}'),
    # Fields that are nobody's to send
    attack("item-id", "POST", "/items", 422, "invalid_input", _item('"id": "00000000-0000-0000-0000-000000000000"')),
    attack("item-owner", "PATCH", "/items/{item}", 422, "invalid_input", '{"owner_id": "{me}"}'),
    attack("item-time", "PUT", "/items/{item}", 422, "invalid_input", '{"created_at": "2020-01-01T00:00:00Z"}'),
    attack("user-id", "POST", "/users", 422, "invalid_input", f'{{{_REGISTRATION}, "id": 1}}'),
    attack("user-hash", "POST", "/users", 422, "invalid_input", f'{{{_REGISTRATION}, "hashed_password": "!"}}'),
    attack("user-epoch", "PATCH", "/users/{me}", 422, "invalid_input", '{"credential_epoch": 0}'),
    attack("user-key", "PATCH", "/users/{me}", 422, "invalid_input", '{"email_normalized": "a@example.com"}'),
    attack("user-password", "PUT", "/users/{me}", 422, "invalid_input", f'{{"password": "{MARKER}"}}'),
    attack("user-proof", "PATCH", "/users/me", 422, "invalid_input", '{"email_verified_at": null}'),
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_hostile_body_is_refused(target: Target, attack: Attack) -> None:
    await target.assert_nothing_happens(attack)


async def test_a_body_with_thousands_of_faults_gets_a_short_answer(target: Target) -> None:
    answer = await target.send(Attack("POST", "/items", 422, "invalid_input", _FAULTS))

    assert len(answer.json()["errors"]) == 20


async def test_a_body_that_names_a_field_twice_is_read_as_json_is(target: Target) -> None:
    """The last one wins, for everybody who reads JSON (RFC 8259 section 4): nobody else checked the first."""
    answer = await target.send(Attack("PATCH", "/items/{item}", 200, "", '{"title": "", "title": "A blue bicycle"}'))

    assert answer.status_code == 200
    assert answer.json()["title"] == "A blue bicycle"


@pytest.mark.parametrize("price", ["-0", '"0e999999999"', '"-0e-2"'])
async def test_zero_is_zero_however_it_is_written(target: Target, price: str) -> None:
    answer = await target.send(Attack("PATCH", "/items/{item}", 200, "", f'{{"price": {price}}}'))

    assert answer.status_code == 200
    assert json.dumps(answer.json()["price"]) == "0.0"
