"""Renders mail: the templates that are shipped, file by file replaced by those of a folder."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from auth_service.mail.languages import choose_language
from auth_service.mail.messages import Mail
from auth_service.mail.settings import MailSettings

_SHIPPED = Path(__file__).parent / "templates"
_LINKED = ("verify-email", "confirm-registration", "confirm-new-address", "recover-password", "invitation")
_NOTICES = (
    "already-registered",
    "address-in-use",
    "address-changed",
    "address-change-requested",
    "password-changed",
    "second-factor-added",
    "second-factor-removed",
    "recovery-code-used",
)
_SUBJECT = "Subject:"
_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """What its reader sees; `subject` is one line."""

    language: str
    subject: str
    text: str
    html: str


class _Loader(FileSystemLoader):
    """Remembers which files were needed."""

    def __init__(self, folders: Sequence[Path]) -> None:
        super().__init__(folders)
        self.needed: set[str] = set()

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        self.needed.add(template)
        return super().get_source(environment, template)


class Templates:
    """The templates of this process; they are read once.

    A template is `<language>/<name>.txt`, whose first line is the subject, and `<language>/<name>.html`. What mail says
    about durations is `<language>/duration.txt`. They run in a sandbox; HTML escapes what is put into it; a variable
    that does not exist is an error, rather than a mail with a hole in it.
    """

    def __init__(self, settings: MailSettings, *, issuer: str) -> None:
        """Find the templates; raises ValueError when there are none in the configured language."""
        self._folder = settings.templates
        self._loader = _Loader([folder for folder in (self._folder, _SHIPPED) if folder is not None])
        self._environment = ImmutableSandboxedEnvironment(
            loader=self._loader,
            autoescape=select_autoescape(["html"], default_for_string=False),
            undefined=StrictUndefined,
            auto_reload=False,
            keep_trailing_newline=True,
        )
        self._home = settings.link_base or issuer
        self._service = settings.service_name or urlsplit(issuer).netloc
        self._language = settings.language
        self._files = frozenset(self._environment.list_templates(["txt", "html"]))
        if settings.language not in self.languages:
            raise ValueError(f"there are no templates in {settings.language!r}")

    @property
    def languages(self) -> Sequence[str]:
        """The languages that there are templates in."""
        return sorted(file.removesuffix("/duration.txt") for file in self._files if file.endswith("/duration.txt"))

    def render(self, mail: Mail) -> RenderedMail:
        """Return what the reader of `mail` sees. Raises jinja2.TemplateError."""
        available = [language for language in self.languages if self._has(language, mail.template)]
        language = choose_language(mail.languages, available, default=self._language)
        variables = {**mail.variables, **self._standing(mail, language)}
        text = self._render(f"{language}/{mail.template}.txt", variables)
        first, _, body = text.partition("\n")
        if not first.startswith(_SUBJECT):
            raise TemplateError(f"the first line of {language}/{mail.template}.txt is not its subject")
        subject = " ".join("".join(filter(str.isprintable, first.removeprefix(_SUBJECT))).split())
        html = self._render(f"{language}/{mail.template}.html", {**variables, "subject": subject})
        return RenderedMail(language, subject, body.strip() + "\n", html)

    def check(self) -> None:
        """Render every mail in every language with what it will have, no more. Raises jinja2.TemplateError.

        So does a template in the operator's folder that none of them needs: its name is mistyped, or it lacks the other
        half of its mail, or its language lacks `duration.txt`.
        """
        for language in self.languages:
            self._write_duration(timedelta(hours=1), language)
            for name in _NOTICES:
                self.render(Mail("ann@example.com", name, language))
            for name in _LINKED:
                self.render(Mail("ann@example.com", name, language, "page", "token", timedelta(hours=1)))
        for file in self._list_own():
            if file not in self._loader.needed:
                raise TemplateError(f"no mail is made of {file}")

    def _list_own(self) -> Sequence[str]:
        """Return the templates of the operator's folder, but not what is hidden: a volume keeps copies there."""
        files = [] if self._folder is None else FileSystemLoader(self._folder).list_templates()
        return [file for file in files if Path(file).suffix in {".txt", ".html"} and not re.search(r"(^|/)\.", file)]

    def _has(self, language: str, name: str) -> bool:
        return {f"{language}/{name}.txt", f"{language}/{name}.html"} <= self._files

    def _standing(self, mail: Mail, language: str) -> Mapping[str, str]:
        """Return the variables that no composer can set otherwise."""
        variables = {"service": self._service, "home": self._home, "language": language}
        if mail.token is not None:
            variables["token"] = mail.token
            if mail.page is not None:
                variables["link"] = f"{self._home}/{mail.page}#token={mail.token}"
        if mail.expires_in is not None:
            variables["expires"] = self._write_duration(mail.expires_in, language)
        return variables

    def _write_duration(self, duration: timedelta, language: str) -> str:
        """Write it in the largest unit that it is a whole number of; less than a minute is one."""
        minutes = timedelta(minutes=max(1, round(duration / timedelta(minutes=1))))
        unit, length = next((unit, length) for unit, length in _UNITS if not minutes % length)
        return self._render(f"{language}/duration.txt", {"count": minutes // length, "unit": unit}).strip()

    def _render(self, file: str, variables: Mapping[str, object]) -> str:
        return self._environment.get_template(file).render(variables)
