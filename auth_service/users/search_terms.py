"""The words under which a user is found, and how a search is cut into such words."""

import unicodedata

from auth_service.users.errors import TooManyWordsError
from auth_service.users.models import User

MAX_TERM_LENGTH = 254
MAX_SEARCH_WORDS = 5


def fold(text: str) -> str:
    """Return `text` without case and accents, so that "Müller" is found by "muller"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def search_terms_of(user: User) -> set[str]:
    """Return the address, its domain (as written and as an A-label), the username and each word of the name."""
    address = fold(user.email)
    terms = {address, address.rpartition("@")[2], user.email_normalized, user.email_normalized.rpartition("@")[2]}
    terms.update(fold(user.full_name or "").split())
    if user.username:
        terms.add(user.username)
    return {term[:MAX_TERM_LENGTH] for term in terms}


def search_words(query: str) -> list[str]:
    """Cut a search into words; each has to begin some term of a user who is found. Raises TooManyWordsError."""
    words = [word.lstrip("@") for word in fold(query).split() if word.strip("@")]
    if len(words) > MAX_SEARCH_WORDS:
        raise TooManyWordsError
    return words
