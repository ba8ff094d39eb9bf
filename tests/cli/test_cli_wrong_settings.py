"""Wrong settings: one line for each problem, with the variable, the reason and an example; exit code 2; no secret."""

import base64
import json

import pytest

from tests.support.commands import Operator, Outcome
from tests.support.settings import new_master_key

KEYS, ISSUER, URL = "AUTH_SECURITY__MASTER_KEYS", "AUTH_TOKENS__ISSUER", "AUTH_DATABASE__URL"
LIFETIME = "AUTH_TOKENS__ACCESS_TOKEN_LIFETIME"
DB_PASSWORD = "Tr0ub4dor-in-the-URL"
KEY_EXAMPLE = f"Example: {KEYS}=<the output of: openssl rand -base64 32>"
ISSUER_EXAMPLE = f"Example: {ISSUER}=https://auth.example.com"
URL_EXAMPLE = f"Example: {URL}=postgresql://user:a-random-one@db.example.com:5432/auth"
NOT_A_BASE_URL = "it is not the URL of a service: scheme, host, nothing after the path"


def _key(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _postgresql(rest: str) -> str:
    return f"postgresql://service:{DB_PASSWORD}{rest}"


WRONG_EVERYWHERE = [
    pytest.param(
        {"AUTH_TOKENS__KEY_DWELL": "PT1M"},
        "AUTH_TOKENS__...: KEY_DWELL has to be at least JWKS_MAX_AGE and KEY_REFRESH_INTERVAL together, 0:05:10",
        id="two that do not go together",
    ),
    pytest.param({KEYS: None}, f"{KEYS}: it is not set. {KEY_EXAMPLE}", id="no master key"),
    pytest.param({KEYS: " , "}, f"{KEYS}: at least one master key is needed. {KEY_EXAMPLE}", id="empty list of keys"),
    pytest.param(
        {KEYS: _key(b"correct horse")},
        f"{KEYS}: a master key is 32 bytes in base64, this one has 13. {KEY_EXAMPLE}",
        id="short master key",
    ),
    pytest.param(
        {KEYS: _key(b"ab" * 16)}, f"{KEYS}: this master key is not random. {KEY_EXAMPLE}", id="master key not random"
    ),
    pytest.param(
        {KEYS: "correct horse battery staple"},
        f"{KEYS}: a master key is 32 bytes in base64, this one has 5. {KEY_EXAMPLE}",
        id="words as master keys",
    ),
    pytest.param(
        {KEYS: "!$%&" * 11 + "="},
        f"{KEYS}: a master key is base64, and this one is not. {KEY_EXAMPLE}",
        id="master key not base64",
    ),
    pytest.param(
        {KEYS: f"{new_master_key()},{_key(b'short')}"},
        f"{KEYS}: a master key is 32 bytes in base64, this one has 5. {KEY_EXAMPLE}",
        id="second master key short",
    ),
    pytest.param({ISSUER: None}, f"{ISSUER}: it is not set. {ISSUER_EXAMPLE}", id="no issuer"),
    *(
        pytest.param({ISSUER: issuer}, f"{ISSUER}: {NOT_A_BASE_URL}. {ISSUER_EXAMPLE}", id=f"issuer {issuer!r}")
        for issuer in (
            "",
            "auth.example.com",
            "ftp://auth.example.com",
            "https://",
            "https://auth.example.com/?tenant=1",
            "https://auth.example.com/#top",
            "https://root@auth.example.com",
            "https://auth.example.com:https",
            "https://auth example.com",
        )
    ),
    pytest.param(
        {"AUTH_TOKENS__ALGORITHM": "HS256"},
        "AUTH_TOKENS__ALGORITHM: Input should be 'ES256', 'RS256' or 'EdDSA'. Example: AUTH_TOKENS__ALGORITHM=ES256",
        id="HS256",
    ),
    pytest.param(
        {"AUTH_TOKENS__ISUER": "x"},
        "AUTH_TOKENS__ISUER: there is no such setting. Did you mean AUTH_TOKENS__ISSUER?",
        id="misspelt name",
    ),
    pytest.param(
        {"AUTH_DATABASE_URL": _postgresql("@127.0.0.1/auth")},
        "AUTH_DATABASE_URL: there is no such setting. Did you mean AUTH_DATABASE__URL?",
        id="one underscore",
    ),
    pytest.param(
        {"auth_tokens__leway": "PT1S"},
        "auth_tokens__leway: there is no such setting. Did you mean AUTH_TOKENS__LEEWAY?",
        id="misspelt in lower case",
    ),
    pytest.param(
        {"AUTH_TOKENS__COLOUR": "blue"}, "AUTH_TOKENS__COLOUR: there is no such setting.", id="unknown in a group"
    ),
    pytest.param({"AUTH_POST__HOST": "x"}, "AUTH_POST__HOST: there is no such setting.", id="unknown group"),
    pytest.param(
        {"AUTH_TOKENS__ISSUER__HOST": "x"},
        "AUTH_TOKENS__ISSUER__HOST: there is no such setting. Did you mean AUTH_TOKENS__ISSUER?",
        id="one level too deep",
    ),
    *(
        pytest.param(
            {"AUTH_DATABASE": value},
            "AUTH_DATABASE: it is a group of settings. Set each by itself, for example AUTH_DATABASE__URL",
            id=f"group as {kind}",
        )
        for kind, value in {
            "JSON": json.dumps({"url": _postgresql("@127.0.0.1/auth")}),
            "a list": "[1]",
            "a number": "5",
            "a URL": _postgresql("@127.0.0.1/auth"),
        }.items()
    ),
    pytest.param(
        {LIFETIME: "PT5S"},
        f"{LIFETIME}: Input should be greater than or equal to 10 seconds. Example: {LIFETIME}=PT10M",
        id="lifetime too short",
    ),
    pytest.param(
        {LIFETIME: "P2D"},
        f"{LIFETIME}: Input should be less than or equal to 1 day. Example: {LIFETIME}=PT10M",
        id="lifetime too long",
    ),
    *(
        pytest.param(
            {LIFETIME: value}, f"{LIFETIME}: it is not a duration. Example: {LIFETIME}=PT10M", id=f"lifetime {value}"
        )
        for value in ("soon", "600")
    ),
    *(
        pytest.param(
            {"AUTH_HTTP__CORS_ORIGINS": origin},
            f"AUTH_HTTP__CORS_ORIGINS: {origin!r} is not an origin: scheme and host, no path, no wildcard. "
            "Example: AUTH_HTTP__CORS_ORIGINS=https://app.example.com",
            id=f"origin {origin}",
        )
        for origin in ("*", "https://*.example.com", "https://app.example.com/", "app.example.com", "null")
    ),
    pytest.param(
        {"AUTH_DATABASE__POOL_SIZE": "many"},
        "AUTH_DATABASE__POOL_SIZE: Input should be a valid integer, unable to parse string as an integer. "
        "Example: AUTH_DATABASE__POOL_SIZE=20",
        id="a number that is none",
    ),
    pytest.param(
        {"AUTH_HASHING__WORKERS": "0"},
        "AUTH_HASHING__WORKERS: Input should be greater than or equal to 1. Example: AUTH_HASHING__WORKERS=2",
        id="a number out of range",
    ),
    pytest.param(
        {"AUTH_HTTP__DOCS": "perhaps"},
        "AUTH_HTTP__DOCS: Input should be a valid boolean, unable to interpret input. Example: AUTH_HTTP__DOCS=True",
        id="neither yes nor no",
    ),
]

WRONG_TO_SERVE_WITH = [
    pytest.param(
        {ISSUER: "http://auth.example.com"},
        f"{ISSUER}: tokens must not travel without TLS. {ISSUER_EXAMPLE}",
        id="http issuer",
    ),
    pytest.param({URL: None}, f"{URL}: it is not set. {URL_EXAMPLE}", id="no database"),
    pytest.param(
        {URL: "postgresql://auth:ChangeMe@127.0.0.1:1/auth"},
        f"{URL}: it has a default password. Example: {URL}=postgresql://user:<a random one>@host:5432/auth",
        id="default database password",
    ),
]


@pytest.mark.parametrize(("changes", "line"), [*WRONG_EVERYWHERE, *WRONG_TO_SERVE_WITH])
def test_serve_answers_a_wrong_setting_with_one_line_and_exit_code_2(
    operator: Operator, changes: dict[str, str | None], line: str
) -> None:
    operator.secrets.append(DB_PASSWORD)

    outcome = operator.run("serve", **changes)

    assert outcome == Outcome(2, "", f"auth-service: {line}\n")


@pytest.mark.parametrize("command", [("migrate",), ("create-admin", "--email", "ann@example.com")])
def test_the_other_commands_answer_the_same(operator: Operator, command: tuple[str, ...]) -> None:
    outcome = operator.run(*command, **{ISSUER: None})

    assert outcome == Outcome(2, "", f"auth-service: {ISSUER}: it is not set. {ISSUER_EXAMPLE}\n")


def test_what_is_only_good_for_trying_out_is_good_enough_for_the_other_commands(operator: Operator) -> None:
    outcome = operator.run("migrate", **{ISSUER: "http://127.0.0.1:8000", URL: None})

    assert (outcome.code, outcome.stderr) == (0, "")
    assert (operator.folder / "var" / "auth-service.db").exists()


@pytest.mark.parametrize(("changes", "line"), [*WRONG_EVERYWHERE, *WRONG_TO_SERVE_WITH])
def test_doctor_finds_the_same_and_says_how_to_mend_it(
    operator: Operator, changes: dict[str, str | None], line: str
) -> None:
    operator.secrets.append(DB_PASSWORD)

    outcome = operator.run("doctor", **changes)

    assert (outcome.code, outcome.stderr) == (2, "")
    assert f"TO MEND: {line}" in outcome.stdout.splitlines()[0]


def test_several_wrong_settings_get_a_line_each(operator: Operator) -> None:
    outcome = operator.run("serve", **dict.fromkeys([KEYS, ISSUER]), AUTH_DATABASE__POOL_SIZE="-1")

    assert outcome.code == 2
    assert [line.split(": ")[1] for line in outcome.stderr.splitlines()] == [
        "AUTH_DATABASE__POOL_SIZE",
        KEYS,
        ISSUER,
    ]


@pytest.mark.parametrize(
    "variable", ["AUTH_SERVICE_PORT_8000_TCP", "AUTH_PORT", "AUTH_TOKEN", "AUTH_SERVICE_SERVICE_HOST", "AUTHORITY"]
)
def test_variables_of_others_are_left_alone(operator: Operator, variable: str) -> None:
    outcome = operator.run("migrate", **{variable: "x"})

    assert (outcome.code, outcome.stderr) == (0, "")


def test_a_program_of_its_own_says_the_same(operator: Operator) -> None:
    outcome = operator.execute("serve", AUTH_TOKENS__ISSUER="http://auth.example.com")

    line = f"auth-service: {ISSUER}: tokens must not travel without TLS. {ISSUER_EXAMPLE}\n"
    assert outcome == Outcome(2, "", line)
