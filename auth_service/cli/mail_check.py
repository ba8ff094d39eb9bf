"""Whether mail could be sent: the templates render, and the SMTP server lets us in."""

from jinja2 import TemplateError, TemplateSyntaxError

from auth_service.cli.configuration import ConfigurationError
from auth_service.mail.senders import SendingFailedError, SmtpSender
from auth_service.mail.settings import MailTransport
from auth_service.settings import Settings
from auth_service.wiring.mail import load_templates


def check_templates(settings: Settings) -> None:
    """Render every mail once. Raises ConfigurationError."""
    try:
        load_templates(settings).check()
    except TemplateSyntaxError as error:
        line = f"AUTH_MAIL__TEMPLATES: {error.name or 'a template'}, line {error.lineno}: {error.message}."
    except TemplateError as error:
        line = f"AUTH_MAIL__TEMPLATES: a template cannot be used: {error.message}."
    except ValueError as error:
        line = f"AUTH_MAIL__LANGUAGE: {error}. Example: AUTH_MAIL__LANGUAGE=en"
    else:
        return
    raise ConfigurationError([line])


async def find_fault(settings: Settings) -> str | None:
    """Say what keeps mail from being sent, if anything does: by connecting and logging in, without sending."""
    try:
        check_templates(settings)
        if settings.mail.transport is MailTransport.SMTP:
            await SmtpSender(settings.mail).check()
    except ConfigurationError as error:
        return error.lines[0]
    except SendingFailedError as error:
        mail = settings.mail
        where = f"{mail.host} port {mail.effective_port} ({mail.security})"
        return f"the SMTP server {where} cannot be used: {error}. Check AUTH_MAIL__HOST, PORT, SECURITY and the login."
    return None
