"""Which passwords are taken as new ones; there are no rules about kinds of characters (NIST SP 800-63B-4)."""

import unicodedata

from pydantic import SecretStr

from auth_service.authenticators.errors import WeakPasswordError
from auth_service.authenticators.settings import PasswordPolicySettings


def check_new_password(password: SecretStr, policy: PasswordPolicySettings) -> None:
    """Raise WeakPasswordError, with the reason, unless `password` may be a new one.

    Code points are counted, after NFC.
    """
    length = len(unicodedata.normalize("NFC", password.get_secret_value()))
    if length < policy.minimum_length:
        message = f"A password needs at least {policy.minimum_length} characters."
        raise WeakPasswordError(message)
