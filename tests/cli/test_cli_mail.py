"""Mail at the command line: what `serve` refuses, what `doctor` finds, and what `dev` prints."""

import json
from pathlib import Path

import pytest

from auth_service.cli.dev import DevState, load_dev_settings
from auth_service.mail.settings import MailTransport
from tests.support.commands import Operator, Outcome
from tests.support.settings import new_master_key
from tests.support.smtp import running_mailbox

GOOD = {
    "AUTH_MAIL__TRANSPORT": "smtp",
    "AUTH_MAIL__HOST": "smtp.example.com",
    "AUTH_MAIL__SENDER": "no-reply@example.com",
    "AUTH_MAIL__SEND_TIMEOUT": "PT5S",
}
HOST, SECURITY, SENDER = "AUTH_MAIL__HOST", "AUTH_MAIL__SECURITY", "AUTH_MAIL__SENDER"
SENDER_EXAMPLE = f"Example: {SENDER}=Example accounts <no-reply@example.com>"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        pytest.param(
            {HOST: ""}, f"{HOST}: mail by SMTP needs a server. Example: {HOST}=smtp.example.com", id="no host"
        ),
        pytest.param({SENDER: ""}, f"{SENDER}: mail by SMTP needs a sender. {SENDER_EXAMPLE}", id="no sender"),
        *(
            pytest.param(
                {SENDER: sender},
                f"{SENDER}: it is not an address that mail can come from. {SENDER_EXAMPLE}",
                id=f"sender {sender!r}",
            )
            for sender in ("Example", "a@b@c", "a@example.com, b@example.com")
        ),
        *(
            pytest.param(
                {SECURITY: "none", HOST: host},
                f"{SECURITY}: links and the login must not travel without TLS. Example: {SECURITY}=starttls",
                id=f"no TLS to {host}",
            )
            for host in ("smtp.example.com", "127.example.com", "192.0.2.1")
        ),
        pytest.param(
            {SENDER: "a@example.com\r\nBcc: eve@example.com"},
            f"{SENDER}: there are control characters in it. {SENDER_EXAMPLE}",
            id="sender of two lines",
        ),
        pytest.param(
            {"AUTH_MAIL__TRANSPORT": "console"},
            "AUTH_MAIL__TRANSPORT: whoever reads the console gets the links into every account. "
            "Example: AUTH_MAIL__TRANSPORT=smtp",
            id="console",
        ),
        pytest.param(
            {"AUTH_MAIL__LINK_BASE": "http://app.example.com"},
            "AUTH_MAIL__LINK_BASE: links must not lead to pages without TLS. "
            "Example: AUTH_MAIL__LINK_BASE=https://app.example.com",
            id="http links",
        ),
        pytest.param(
            {"AUTH_MAIL__LINK_BASE": "https://app.example.com/#/"},
            "AUTH_MAIL__LINK_BASE: it is not the URL of a service: scheme, host, nothing after the path. "
            "Example: AUTH_MAIL__LINK_BASE=https://app.example.com",
            id="links with a fragment",
        ),
        pytest.param(
            {"AUTH_MAIL__LANGUAGE": "tlh"},
            "AUTH_MAIL__LANGUAGE: there are no templates in 'tlh'. Example: AUTH_MAIL__LANGUAGE=en",
            id="no such language",
        ),
        pytest.param(
            {"AUTH_MAIL__TEMPLATES": "/no/such/folder"},
            "AUTH_MAIL__TEMPLATES: there is no such file or folder. "
            "Example: AUTH_MAIL__TEMPLATES=/etc/auth-service/mail",
            id="no such folder",
        ),
    ],
)
def test_serve_refuses_mail_that_is_not_safe_or_cannot_be_sent(
    operator: Operator, changes: dict[str, str], line: str
) -> None:
    outcome = operator.run("serve", **{**GOOD, **changes})

    assert outcome == Outcome(2, "", f"auth-service: {line}\n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Subject: {% if %}", "en/verify-email.txt, line 1: Expected an expression, got 'end of statement block'."),
        ("Subject: {{ nonsense }}", "a template cannot be used: 'nonsense' is undefined."),
    ],
)
def test_serve_refuses_a_broken_template(operator: Operator, text: str, line: str) -> None:
    (operator.folder / "en").mkdir()
    (operator.folder / "en" / "verify-email.txt").write_text(text)

    outcome = operator.run("serve", **GOOD, AUTH_MAIL__TEMPLATES=str(operator.folder))

    assert outcome == Outcome(2, "", f"auth-service: AUTH_MAIL__TEMPLATES: {line}\n")


def _mail_finding(operator: Operator, **variables: str) -> dict[str, object]:
    findings = json.loads(operator.run("doctor", "--json", **variables).stdout)
    return next({"well": each["well"], "mend": each["mend"]} for each in findings if each["check"] == "mail")


def test_doctor_logs_in_to_the_server(operator: Operator, tmp_path: Path) -> None:
    password = "the-password-of-the-login"
    operator.secrets.append(password)
    with running_mailbox(tls="starttls", login=("auth", password), certificate=tmp_path / "ca.pem") as mailbox:
        variables = {f"AUTH_MAIL__{name.upper()}": str(value) for name, value in mailbox.settings.items()}

        right = _mail_finding(operator, **variables)
        wrong = _mail_finding(operator, **{**variables, "AUTH_MAIL__PASSWORD": "wrong"})

    where = f"the SMTP server 127.0.0.1 port {mailbox.settings['port']} (starttls) cannot be used"
    advice = "Check AUTH_MAIL__HOST, PORT, SECURITY and the login."
    assert right == {"well": True, "mend": ""}
    assert wrong == {"well": False, "mend": f"{where}: SMTPAuthenticationError 535. {advice}"}
    assert mailbox.received == []


def test_doctor_says_that_nobody_is_there(operator: Operator) -> None:
    finding = _mail_finding(operator, **{**GOOD, HOST: "127.0.0.1", "AUTH_MAIL__PORT": "1"})

    assert str(finding["mend"]).startswith(
        "the SMTP server 127.0.0.1 port 1 (starttls) cannot be used: SMTPConnectError."
    )


def test_dev_prints_its_mail_unless_it_is_told_otherwise(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    state = DevState(new_master_key(), "secret")

    by_itself = load_dev_settings("http://127.0.0.1:8000", state)
    monkeypatch.setenv("AUTH_MAIL__TRANSPORT", "off")
    told = load_dev_settings("http://127.0.0.1:8000", state)

    assert (by_itself.mail.transport, told.mail.transport) == (MailTransport.CONSOLE, MailTransport.OFF)
    assert operator.folder.exists()
