"""Hostile calls of the token endpoint: each an RFC 6749 section 5.2 refusal, nothing repeated, nothing stored."""

import pytest

from tests.support.attacks import MARKER, Attack, Target, attack
from tests.support.openapi import FORM

_CREDENTIALS = f"grant_type=password&username=ann&password={MARKER.replace('&', '%26')}"

_PART = f'--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\n{MARKER}\r\n--x--\r\n'


def _form(name: str, content: str | bytes, error: str = "invalid_request", content_type: str = FORM) -> object:
    headers = {"Content-Type": content_type}
    return attack(name, "POST", "/oauth/token", 400, error, content, headers)


def _basic(name: str, credentials: str) -> object:
    headers = {"Content-Type": FORM, "Authorization": credentials}
    return attack(name, "POST", "/oauth/token", 401, "invalid_client", _CREDENTIALS, headers)


ATTACKS = [
    _form("empty", ""),
    _form("json", f'{{"grant_type": "password", "password": "{MARKER}"}}', content_type="application/json"),
    _form("json-as-a-form", f'{{"password": "{MARKER}"}}'),
    _form("text", _CREDENTIALS, content_type="text/plain"),
    _form("no-type", _CREDENTIALS, content_type=""),
    _form("multipart", _PART, content_type="multipart/form-data; boundary=x"),
    _form("multipart-without-boundary", _CREDENTIALS, content_type="multipart/form-data"),
    _form("repeated-password", f"{_CREDENTIALS}&password=x"),
    _form("repeated-and-empty", f"{_CREDENTIALS}&scope=&scope="),
    _form("repeated-unknown", f"{_CREDENTIALS}&{MARKER}&{MARKER}"),
    _form("thousands-of-fields", "&".join(f"a{number}=" for number in range(5000))),
    _form("nul", f"{_CREDENTIALS}&scope=%00"),
    _form("long-password", f"grant_type=password&username=ann&password={'Tr0ub4dor' * 1000}"),
    _form("no-password", "grant_type=password&username=Tr0ub4dor&password="),
    _form("unknown-grant", f"grant_type={MARKER}", "unsupported_grant_type"),
    _form("grant-in-another-case", "grant_type=PASSWORD&username=ann&password=x", "unsupported_grant_type"),
    _form("invalid-utf-8", "grant_type=password&username=%ff%fe&password=%ff"),
    _form("raw-invalid-utf-8", b"grant_type=password&username=\xff\xfe&password=\xff"),
    _form("surrogate", "grant_type=password&username=%ED%A0%80&password=%ED%A0%80"),
    _form("invalid-percent-encoding", "grant_type=password&username=%zz%&password=%1", "invalid_grant"),
    _form("semicolons", "grant_type=password;username=ann;password=x", "unsupported_grant_type"),
    _form("sql", "grant_type=password&username=%27+OR+1%3D1--&password=x", "invalid_grant"),
    _form("long-name", f"grant_type=password&username={'Tr0ub4dor' * 5000}&password=x", "invalid_grant"),
    _form("long-address", f"grant_type=password&username={'a' * 50_000}@example.com&password=x", "invalid_grant"),
    _form("odd-address", "grant_type=password&username=a@xn--%ff.%00.example&password=x"),
    _form("unknown-scope", f"{_CREDENTIALS}&scope={MARKER}", "invalid_scope"),
    _form("unknown-resource", f"{_CREDENTIALS}&resource=http://evil.example", "invalid_target"),
    _basic("basic-that-is-not-base64", f"Basic {MARKER}"),
    _basic("basic-with-invalid-utf-8", "Basic //79"),
    _basic("basic-without-a-colon", "Basic YWJj"),
    _basic("basic-of-a-stranger", "Basic ZXZpbDpldmls"),
    _basic("another-scheme", f"Negotiate {MARKER}"),
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_hostile_token_request_is_refused(target: Target, attack: Attack) -> None:
    await target.assert_nothing_happens(attack)
