"""What the mail room refuses."""

from auth_service.errors import NotFoundError


class MailOffError(NotFoundError):
    """It needs mail, and this service sends none."""

    code = "mail_off"
    detail = "This service sends no mail, so this is not available."
