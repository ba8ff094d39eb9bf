"""Reads one document of the revocation feed; `docs/revocation-feed.md` of the service says what is in it."""

from dataclasses import dataclass

from auth_service_client.errors import InvalidTokenError
from auth_service_client.jws import read_object

FEED_TYPE = "revocations+jwt"
_MAX_ENTRIES = 1000
_MAX_EPOCH_LENGTH = 256
_MARK_LENGTH = 43
_MAX_SECONDS = 2**40
_MAX_KEEP_SECONDS = 30 * 86400
_MAX_LIFE_SECONDS = 60
_KINDS = {"sid", "client", "kid"}
_NUMBERS = ("iat", "exp", "from", "next", "seq", "keep")


@dataclass(frozen=True, slots=True)
class Entry:
    """Ends every token with this mark that was issued no later than `before`."""

    kind: str
    mark: str
    before: int


@dataclass(frozen=True, slots=True)
class FeedDocument:
    """What ended between two numbers, and what the numbers stand at."""

    issued_at: int
    expires_at: int
    epoch: str
    start: int
    next: int
    seq: int
    keep: int
    entries: tuple[Entry, ...]


def read_feed_document(content: bytes, *, issuer: str, leeway: float, wall: float) -> FeedDocument:
    """Return what a document says whose signature is good; raises InvalidTokenError."""
    claims = read_object(content)
    numbers = [claims.get(name) for name in _NUMBERS]
    if any(type(number) is not int or not 0 <= number < _MAX_SECONDS for number in numbers):
        raise InvalidTokenError("a number is missing or absurd")
    epoch, listed = claims.get("epoch"), claims.get("entries")
    if type(epoch) is not str or not 0 < len(epoch) <= _MAX_EPOCH_LENGTH or claims.get("iss") != issuer:
        raise InvalidTokenError("another issuer, or no epoch")
    if type(listed) is not list or len(listed) > _MAX_ENTRIES:
        raise InvalidTokenError("no entries, or too many")
    document = FeedDocument(
        claims["iat"],
        claims["exp"],
        epoch,
        claims["from"],
        claims["next"],
        claims["seq"],
        claims["keep"],
        tuple(entry for entry in map(_read_entry, listed) if entry.kind in _KINDS),
    )
    _check_numbers(document, leeway, wall)
    return document


def _check_numbers(document: FeedDocument, leeway: float, wall: float) -> None:
    if not 0 < document.expires_at - document.issued_at <= _MAX_LIFE_SECONDS or document.keep > _MAX_KEEP_SECONDS:
        raise InvalidTokenError("good for longer than a document of this kind is")
    if document.expires_at <= wall - leeway or document.issued_at > wall + leeway:
        raise InvalidTokenError("expired, or not good yet")
    if not document.start <= document.next <= document.seq or document.start == document.next < document.seq:
        raise InvalidTokenError("a page that leads nowhere")


def _read_entry(listed: object) -> Entry:
    """Return an entry; of a kind that is not known only the kind is read, for the service may add one."""
    if type(listed) is not dict or type(listed.get("kind")) is not str:
        raise InvalidTokenError("an entry without a kind")
    kind, mark, before = listed["kind"], listed.get("digest"), listed.get("before")
    if kind not in _KINDS:
        return Entry(kind, "", 0)
    if type(mark) is not str or len(mark) != _MARK_LENGTH or type(before) is not int or not 0 <= before < _MAX_SECONDS:
        raise InvalidTokenError("an entry that ends nothing")
    return Entry(kind, mark, before)
