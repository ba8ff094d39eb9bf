"""Which passwords are taken as new ones; there are no rules about kinds of characters (NIST SP 800-63B-4)."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import SecretStr

from auth_service.authenticators.common_passwords import common_passwords
from auth_service.authenticators.errors import WeakPasswordError
from auth_service.authenticators.settings import PasswordPolicySettings
from auth_service.security.text import folded


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """The rules that need nobody else; `service_names` are what people call this service, and where it is."""

    minimum_length: int
    common: frozenset[str]
    service_names: tuple[str, ...]

    def check(self, password: SecretStr, *, email: str, username: str | None) -> None:
        """Raise WeakPasswordError, with the reason, unless `password` may be the new one of this account.

        Code points are counted, after NFC. Neither upper case nor composition makes a common password another one.
        """
        secret = password.get_secret_value()
        if len(unicodedata.normalize("NFC", secret)) < self.minimum_length:
            raise WeakPasswordError(f"A password needs at least {self.minimum_length} characters.")
        candidate = folded(secret)
        if candidate in self.common:
            raise WeakPasswordError("This password is one of those that are guessed first. Choose another one.")
        for what, words in self._guessable(email, username):
            if any(self._is_derived(candidate, word) for word in words):
                raise WeakPasswordError(f"This password is little more than {what}. Choose another one.")

    def _guessable(self, email: str, username: str | None) -> Iterator[tuple[str, list[str]]]:
        local_part = email.strip().rpartition("@")[0]
        yield "your e-mail address", [email.strip(), local_part, local_part.partition("+")[0]]
        yield "your username", [username] if username else []
        yield "the name of this service", list(self.service_names)

    def _is_derived(self, candidate: str, word: str) -> bool:
        """Say whether `candidate` is the word, once or repeated, and otherwise only a few signs and digits.

        What is left besides the word has no letter, and would be too short for a password by itself. The word and the
        password are also compared without their signs and spaces: `ann.smith` is in `annsmith1`.
        """
        for text, part in ((candidate, folded(word)), (_letters_and_digits(candidate), _letters_and_digits(word))):
            rest = text.replace(part, "") if part else text
            if rest != text and len(rest) < self.minimum_length and not any(sign.isalpha() for sign in rest):
                return True
        return False


def make_password_policy(settings: PasswordPolicySettings, *, host: str) -> PasswordPolicy:
    """Return the policy of a process; `host` is where the service is reached."""
    common = common_passwords(settings.blocklist_file)
    return PasswordPolicy(settings.minimum_length, common, (*settings.service_names, host))


def _letters_and_digits(text: str) -> str:
    return "".join(sign for sign in folded(text) if sign.isalnum())
