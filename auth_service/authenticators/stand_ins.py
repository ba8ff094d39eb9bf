"""What a password is compared with when nobody has the identifier, so that the answer takes as long as for somebody."""

import hmac
from collections.abc import Sequence
from hashlib import sha256


class StandIns:
    """A sample of the stored hashes: unknown identifiers cost what known ones do, scheme by scheme.

    While hashes of older schemes are stored, a fixed stand-in of the newest scheme would give away who exists: an
    account that takes ten times as long is one. Here an unknown identifier always gets the same stand-in, picked by a
    keyed hash of it, and of each scheme as many get one as there are accounts that use it.
    """

    def __init__(self, key: bytes) -> None:
        """Pick with `key`, which no stranger knows; there is nothing to pick from yet."""
        self._key = key
        self._sample: Sequence[str] = ()

    def replace(self, stored_hashes: Sequence[str]) -> None:
        """Take a new sample. Sorted, each scheme's hashes stand side by side: few picks move to another scheme."""
        self._sample = sorted(stored_hashes)

    def pick(self, identifier: str) -> str | None:
        """Return the stored hash that `identifier` is compared with, in vain; None while nothing is stored."""
        if not self._sample:
            return None
        digest = hmac.digest(self._key, identifier.encode("utf-8", "surrogatepass"), sha256)
        return self._sample[int.from_bytes(digest[:8]) * len(self._sample) >> 64]
