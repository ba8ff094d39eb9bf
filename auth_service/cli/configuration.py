"""Reads the settings, and says in one line for each what is wrong with them: which variable, why, an example.

A secret may stand in a file that is named like its variable: whatever is said of a variable holds for such a file.
"""

import difflib
import importlib.util
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from auth_service.cli.secret_files import SecretFilesError, names_of_secret_files
from auth_service.db.url import parse_database_url
from auth_service.mail.settings import MailSecurity, MailSettings, MailTransport
from auth_service.settings import PREFIX, SECRETS_DIR, Settings

_KUBERNETES_SERVICE_LINKS = f"{PREFIX}SERVICE_"
_LIKE_ENOUGH = 0.85
_TRACING_PACKAGE = "opentelemetry.exporter"
_DEFAULT_PASSWORDS = {"postgres", "password", "changeme", "change-me", "secret", "admin", "root", "123456", "auth"}

_LEAST_ARGON2_MEMORY_KIB = 7_168  # the smallest that OWASP's password storage cheat sheet names
_LEAST_BCRYPT_COST = 10


class ConfigurationError(Exception):
    """The settings cannot be used; `lines` has one sentence for each thing that is wrong."""

    def __init__(self, lines: list[str]) -> None:
        """Keep the lines."""
        self.lines = lines
        super().__init__("\n".join(lines))


def load_settings(defaults: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment, over `defaults` (variables by name). Raises ConfigurationError."""
    unknown = [*_unknown_variables(), *_set_twice()]
    if any("__" not in line.partition(":")[0] for line in unknown):  # a whole group as one value cannot be read on
        raise ConfigurationError(unknown)
    try:
        with _standing_in(defaults or {}):
            settings = Settings()  # what has no default comes from the environment
    except ValidationError as error:
        named = {line.partition(":")[0].upper() for line in unknown}
        wrong = [line for item in error.errors() for line in _explain(item) if line.partition(":")[0] not in named]
        raise ConfigurationError([*unknown, *wrong]) from None
    if unknown:
        raise ConfigurationError(unknown)
    if settings.accounts.verified_email_required and not settings.mail.is_on:
        variable, reason = "AUTH_ACCOUNTS__VERIFIED_EMAIL_REQUIRED", "nobody can prove an address without mail"
        raise ConfigurationError([f"{variable}: {reason}. Set AUTH_MAIL__TRANSPORT."])
    if settings.tracing.endpoint is not None and importlib.util.find_spec(_TRACING_PACKAGE) is None:
        variable, reason = "AUTH_TRACING__ENDPOINT", "the packages that send traces are not installed"
        raise ConfigurationError([f"{variable}: {reason}. Install them: pip install 'auth-service[otel]'"])
    return settings


def load_strict_settings() -> Settings:
    """Read the settings the way `serve` wants them. Raises ConfigurationError for what is only good for trying out."""
    settings = load_settings()
    lines = list(unsafe_settings(settings))
    if lines:
        raise ConfigurationError(lines)
    return settings


def unsafe_settings(settings: Settings) -> Iterator[str]:
    """Yield a line for each setting that must not be served with."""
    if urlsplit(settings.tokens.issuer).scheme != "https":
        yield _line("AUTH_TOKENS__ISSUER", "tokens must not travel without TLS", "https://auth.example.com")
    if "url" not in settings.database.model_fields_set:
        yield _line("AUTH_DATABASE__URL", "it is not set", "postgresql://user:a-random-one@db.example.com:5432/auth")
    for name, url in (("URL", settings.database.url), ("READ_URL", settings.database.read_url)):
        password = url and parse_database_url(url.get_secret_value()).url.password
        if password and str(password).lower() in _DEFAULT_PASSWORDS:
            example = "postgresql://user:<a random one>@host:5432/auth"
            yield _line(f"AUTH_DATABASE__{name}", "it has a default password", example)
    yield from _unsafe_mail(settings.mail)
    if settings.hashing.argon2_memory_kib < _LEAST_ARGON2_MEMORY_KIB:
        yield _line("AUTH_HASHING__ARGON2_MEMORY_KIB", "hashes this cheap are guessed quickly", "19456")
    if settings.hashing.bcrypt_cost < _LEAST_BCRYPT_COST:
        yield _line("AUTH_HASHING__BCRYPT_COST", "hashes this cheap are guessed quickly", "12")


def _unsafe_mail(mail: MailSettings) -> Iterator[str]:
    if mail.transport is MailTransport.CONSOLE:
        yield _line("AUTH_MAIL__TRANSPORT", "whoever reads the console gets the links into every account", "smtp")
    if mail.transport is MailTransport.SMTP and mail.security is MailSecurity.NONE and not mail.is_local:
        yield _line("AUTH_MAIL__SECURITY", "links and the login must not travel without TLS", "starttls")
    if urlsplit(mail.link_base).scheme == "http":
        yield _line("AUTH_MAIL__LINK_BASE", "links must not lead to pages without TLS", "https://app.example.com")


def variables() -> dict[str, FieldInfo]:
    """Return every setting by the name of its variable."""
    return {
        f"{PREFIX}{group}__{name}".upper(): field
        for group, model in _groups().items()
        for name, field in model.model_fields.items()
    }


@contextmanager
def _standing_in(defaults: Mapping[str, str]) -> Iterator[None]:
    """Set the variables that are not set, in whatever spelling, for as long as the block lasts."""
    taken = {name.upper() for name in os.environ}
    missing = {name: value for name, value in defaults.items() if name not in taken}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            del os.environ[name]


def _groups() -> dict[str, type[BaseModel]]:
    groups = {name: field.annotation for name, field in Settings.model_fields.items()}
    return {name: group for name, group in groups.items() if isinstance(group, type) and issubclass(group, BaseModel)}


def _unknown_variables() -> Iterator[str]:
    """Yield a line for each variable that is meant for this service and is none of its settings.

    One without the two underscores may be anybody's, and Kubernetes makes some of the names of services, so those are
    only taken for ours when they look much like one of ours.
    """
    known = variables().keys() | {SECRETS_DIR}
    groups = {f"{PREFIX}{group}".upper(): group for group in _groups()}
    for name in _names():
        upper = name.upper()
        if upper in known or not upper.startswith(PREFIX) or upper.startswith(_KUBERNETES_SERVICE_LINKS):
            continue
        if upper in groups:
            example = next(variable for variable in variables() if variable.startswith(f"{upper}__"))
            yield f"{name}: it is a group of settings. Set each by itself, for example {example}"
            continue
        meant = _meant_by(upper, known)
        if meant or "__" in upper:
            yield f"{name}: there is no such setting." + "".join(f" Did you mean {other}?" for other in meant)


def _set_twice() -> Iterator[str]:
    """Yield a line for each that would be silently ignored: its file is changed, and the variable goes on."""
    variables_set = {name.upper() for name in os.environ}
    for name in _secret_files():
        if name.upper() in variables_set & variables().keys():
            yield f"{name}: it is set, and there is a file of that name in {SECRETS_DIR}. Take one of them away."


def _names() -> list[str]:
    return sorted({*os.environ, *_secret_files()})


def _secret_files() -> list[str]:
    try:
        return names_of_secret_files()
    except SecretFilesError as error:
        raise ConfigurationError([str(error)]) from None


def ignored_variables() -> list[str]:
    """Return the variables with our prefix that are none of the settings and may be anybody's."""
    known = variables().keys() | {SECRETS_DIR}
    return [
        name
        for name in _names()
        if name.upper().startswith(PREFIX)
        and not name.upper().startswith(_KUBERNETES_SERVICE_LINKS)
        and name.upper() not in known
    ]


def _meant_by(name: str, known: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(name, known, n=1, cutoff=_LIKE_ENOUGH)


def _explain(item: Any) -> Iterator[str]:  # noqa: ANN401 - pydantic's description of an error
    """Yield a line for each variable that is wrong; a group of which none is set may need several of them."""
    group, *rest = [str(part) for part in item["loc"]]
    if item["type"] == "missing":
        for name in rest or [name for name, field in _groups()[group].model_fields.items() if field.is_required()]:
            yield _explain_variable(group, name, "it is not set")
        return
    reason = "it is not a duration" if item["type"].startswith("time_delta_") else str(item["msg"])
    reason = reason.removeprefix("Value error, ")
    if rest:
        yield _explain_variable(group, rest[0], reason)
    else:  # several settings of the group do not go together
        yield f"{PREFIX}{group.upper()}__...: {reason}"


def _explain_variable(group: str, name: str, reason: str) -> str:
    variable = f"{PREFIX}{group}__{name}".upper()
    field = variables().get(variable)
    example = str(field.examples[0]) if field is not None and field.examples else None
    return _line(variable, reason, example)


def _line(variable: str, reason: str, example: str | None) -> str:
    return f"{variable}: {reason}." + (f" Example: {variable}={example}" if example else "")
