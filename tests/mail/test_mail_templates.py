"""The templates: all of them in both languages, escaped, in a sandbox, replaced file by file; the language chosen."""

from datetime import timedelta
from pathlib import Path

import pytest
from jinja2 import TemplateError
from jinja2.exceptions import SecurityError, UndefinedError

from auth_service.accounts.account_mail import Notice
from auth_service.mail import templates as templates_module
from auth_service.mail.languages import choose_language
from auth_service.mail.messages import Mail
from auth_service.mail.settings import MailSettings
from auth_service.mail.templates import RenderedMail, Templates

ISSUER = "https://auth.example.com"
LINKED = {"verify-email", "confirm-registration", "confirm-new-address", "recover-password", "invitation"}
NOTICES = {
    "already-registered",
    "address-in-use",
    "address-changed",
    "address-change-requested",
    "password-changed",
    "second-factor-added",
    "second-factor-removed",
    "recovery-code-used",
}
_FILES = {"duration.txt", *(f"{name}.{suffix}" for name in LINKED | NOTICES for suffix in ("txt", "html"))}


def _templates(**settings: object) -> Templates:
    return Templates(MailSettings.model_validate(settings), issuer=ISSUER)


def _render(templates: Templates, template: str = "recover-password", **fields: object) -> RenderedMail:
    content: dict[str, object] = {"page": "reset-password", "token": "recover_x", "expires_in": timedelta(hours=2)}
    return templates.render(Mail("ann@example.com", template, **{**content, **fields}))  # type: ignore[arg-type]


def test_these_mails_are_shipped_in_two_languages() -> None:
    templates = _templates()

    folder = Path(templates_module.__file__).parent / "templates"
    shipped = {str(file.relative_to(folder)) for file in folder.glob("*/*")}
    expected = {f"{language}/{name}" for language in ("de", "en") for name in _FILES}
    assert (templates.languages, shipped) == (["de", "en"], expected)


def test_every_notice_of_the_accounts_has_its_template() -> None:
    assert {notice.value for notice in Notice} | {"already-registered", "address-in-use"} == NOTICES


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("template", sorted(LINKED))
def test_mail_with_a_link_shows_link_code_and_time(template: str, language: str) -> None:
    mail = _render(_templates(link_base="https://app.example.com/"), template, languages=language)

    link = "https://app.example.com/reset-password#token=recover_x"
    assert mail.language == language
    assert mail.subject.endswith(" (auth.example.com)")
    assert f"\n{link}\n" in mail.text
    assert "\nrecover_x\n" in mail.text
    assert f'<a href="{link}">' in mail.html
    assert "<code>recover_x</code>" in mail.html
    assert {"en": "2 hours", "de": "2 Stunden"}[language] in mail.text
    assert {"en": "2 hours", "de": "2 Stunden"}[language] in mail.html


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("template", sorted(NOTICES))
def test_a_notice_needs_nothing_but_its_name(template: str, language: str) -> None:
    mail = _templates(service_name="Example accounts").render(Mail("ann@example.com", template, language))

    assert mail.language == language
    assert mail.subject.endswith(" (Example accounts)")
    assert "Example accounts" in mail.text
    assert "token" not in mail.text


def test_every_mail_is_whole_for_the_doctor_too() -> None:
    _templates().check()


def test_what_is_put_into_html_is_escaped() -> None:
    mail = _render(_templates(service_name="<b>Mallory & sons</b>"))

    assert "<b>Mallory" not in mail.html
    assert "&lt;b&gt;Mallory &amp; sons&lt;/b&gt;" in mail.html
    assert "<b>Mallory & sons</b>" in mail.text


def test_a_subject_is_one_line_whatever_is_put_into_it() -> None:
    mail = _render(_templates(service_name="Example\r\nBcc: eve@example.com\u2028x\x00"))

    assert mail.subject == "Choose a new password (Example"
    assert mail.text.startswith("Bcc: eve@example.com")


def test_a_variable_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="'link' is undefined"):
        _render(_templates(), token=None)


def _write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_folder_replaces_single_files(tmp_path: Path) -> None:
    _write(tmp_path, "en/recover-password.txt", "Subject: Ours\n\nGo to {{ link }}\n")
    templates = _templates(templates=tmp_path)

    ours, html, shipped = _render(templates), _render(templates).html, _render(templates, languages="de")

    assert (ours.subject, ours.text) == ("Ours", f"Go to {ISSUER}/reset-password#token=recover_x\n")
    assert "Choose it here" in html
    assert shipped.subject.startswith("Wählen Sie")


def test_a_folder_adds_a_language_and_what_it_has_not_is_written_in_the_configured_one(tmp_path: Path) -> None:
    _write(tmp_path, "fr/duration.txt", "{{ count }} {{ unit }}")
    _write(tmp_path, "fr/recover-password.txt", "Subject: Bonjour\n\n{{ link }} {{ expires }}\n")
    _write(tmp_path, "fr/recover-password.html", "{{ link }}")
    templates = _templates(templates=tmp_path, language="de")

    ours, shipped = _render(templates, languages="fr-CA"), _render(templates, "invitation", languages="fr-CA")

    assert (ours.language, ours.subject) == ("fr", "Bonjour")
    assert shipped.language == "de"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("Hello\n", TemplateError, id="no subject"),
        pytest.param("Subject: {{ ''.__class__.__mro__ }}\n", SecurityError, id="out of the sandbox"),
        pytest.param("Subject: {% if %}\n", TemplateError, id="no template"),
        pytest.param("Subject: {{ nonsense }}\n", UndefinedError, id="no such variable"),
        pytest.param("Subject: {% include '../../../etc/hostname' %}\n", TemplateError, id="out of the folder"),
    ],
)
def test_a_broken_file_is_an_error_which_a_check_finds(tmp_path: Path, text: str, error: type[Exception]) -> None:
    _write(tmp_path, "en/recover-password.txt", text)

    with pytest.raises(error):
        _templates(templates=tmp_path).check()


@pytest.mark.parametrize("variable", ["link", "token", "expires"])
@pytest.mark.parametrize("notice", sorted(NOTICES))
def test_a_notice_that_names_what_it_never_has_is_found_by_a_check(tmp_path: Path, notice: str, variable: str) -> None:
    _write(tmp_path, f"en/{notice}.txt", f"Subject: Hello\n\n{{{{ {variable} }}}}\n")

    with pytest.raises(UndefinedError, match=f"'{variable}' is undefined"):
        _templates(templates=tmp_path).check()


@pytest.mark.parametrize(
    "file",
    [
        pytest.param("en/pasword-changed.txt", id="a name that is mistyped"),
        pytest.param("fr/password-changed.txt", id="one half of a mail"),
        pytest.param("it/invitation.html", id="a language without durations"),
        pytest.param("footer.html", id="included by nothing"),
    ],
)
def test_a_file_that_no_mail_is_made_of_is_found_by_a_check(tmp_path: Path, file: str) -> None:
    _write(tmp_path, "fr/duration.txt", "{{ count }} {{ unit }}")
    _write(tmp_path, file, "Subject: Hello\n")

    with pytest.raises(TemplateError, match=f"^no mail is made of {file}$"):
        _templates(templates=tmp_path).check()


def test_what_is_included_or_hidden_or_no_template_is_left_alone(tmp_path: Path) -> None:
    _write(tmp_path, "en/password-changed.txt", "Subject: Hello\n{% include 'footer.txt' %}\n")
    for file in ("footer.txt", "README.md", "..data/en/password-changed.txt", "en/.old.txt"):
        _write(tmp_path, file, "Bye\n")

    _templates(templates=tmp_path).check()


def test_a_language_without_templates_is_refused() -> None:
    with pytest.raises(ValueError, match="there are no templates in 'tlh'"):
        _templates(language="tlh")


@pytest.mark.parametrize(
    ("duration", "written"),
    [
        (timedelta(days=7), "7 days"),
        (timedelta(days=1), "1 day"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(seconds=5), "1 minute"),
    ],
)
def test_a_duration_is_written_in_whole_units(duration: timedelta, written: str) -> None:
    assert f"once, for {written}." in _render(_templates(), expires_in=duration).text.replace("\n", " ")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("de-Latn-CH-1996", "de"),
        ("fr, de;q=0.5, en;q=0.4", "de"),
        ("en;q=0.3, de;q=0.8", "de"),
        ("de;q=0, en", "en"),
        ("de;q=0", "en"),
        ("*", "en"),
        ("pt", "en"),
        ("pt-BR", "pt-br"),
        ("../../etc, {{ 7*7 }}", "en"),
        ("x" * 100_000, "en"),
        ("de;q=nonsense", "en"),
    ],
)
def test_the_first_language_asked_for_that_there_is_one_is_chosen(accepted: str | None, language: str) -> None:
    assert choose_language(accepted, ["en", "de", "pt-br"], default="en") == language
