"""Database URLs that cannot be understood: the line says why, and repeats nothing that may be part of a password."""

import pytest

from tests.support.commands import Operator, Outcome

URL = "AUTH_DATABASE__URL"
DB_PASSWORD = "Tr0ub4dor-in-the-URL"
EXAMPLE = f"Example: {URL}=postgresql://user:a-random-one@db.example.com:5432/auth"
SQLITE_FILE = "SQLite takes the path of a file, such as sqlite:///./var/auth-service.db, and no parameters"
MISREAD = (
    "it cannot be read: the port is a number, @ : / ? # in a password are written %40 %3A %2F %3F %23, and several "
    "hosts are written ?host=one:5432&host=two:5432"
)


def _postgresql(rest: str) -> str:
    return f"postgresql://service:{DB_PASSWORD}{rest}"


WRONG = [
    ("empty", "", "it is not a URL"),
    ("a name", "auth-database", "it is not a URL"),
    ("port", _postgresql("@db.example.com:main/auth"), MISREAD),
    ("at sign in the password", _postgresql("@more@db.example.com/auth"), MISREAD),
    ("colon in the rest of the password", _postgresql("@mo:re@db.example.com/auth"), MISREAD),
    ("hosts with commas", _postgresql("@one.example.com,two.example.com/auth"), MISREAD),
    ("hosts and ports with commas", _postgresql("@one:5432,two:5432/auth"), MISREAD),
    ("host with a wrong port", _postgresql("@/auth?host=one:main&host=two:5432"), MISREAD),
    (
        "scheme",
        f"mysql://service:{DB_PASSWORD}@db.example.com/auth",
        "'mysql' is not a database this service knows; use postgresql:// or sqlite:///",
    ),
    *(
        (
            parameter,
            _postgresql(f"@db.example.com/auth?{parameter}={value}"),
            f"its parameter {parameter!r} is not one that is understood, or has no value that is",
        )
        for parameter, value in (
            ("password", DB_PASSWORD),
            ("sslmode", "sometimes"),
            ("pgbouncer", "maybe"),
            ("target_session_attrs", "fastest"),
        )
    ),
    ("SQLite without a file", "sqlite://", SQLITE_FILE),
    ("SQLite in memory", "sqlite:///:memory:", SQLITE_FILE),
    ("SQLite with two slashes", "sqlite://var/auth.db", SQLITE_FILE),
    ("SQLite with a parameter", "sqlite:///auth.db?isolation_level=DEFERRED", SQLITE_FILE),
]


@pytest.mark.parametrize(("url", "reason"), [pytest.param(url, reason, id=kind) for kind, url, reason in WRONG])
def test_a_url_that_is_not_understood_gets_one_line_that_repeats_no_part_of_it(
    operator: Operator, url: str, reason: str
) -> None:
    operator.secrets.append(DB_PASSWORD)

    outcome = operator.run("serve", **{URL: url})

    assert outcome == Outcome(2, "", f"auth-service: {URL}: {reason}. {EXAMPLE}\n")
