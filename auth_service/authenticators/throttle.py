"""How often something may be tried: counted and committed before a secret is checked, whoever has the identifier."""

import hmac
import ipaddress
import math
from collections import Counter as Tally
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypedDict

import structlog

from auth_service.authenticators.throttle_settings import ThrottleKind, ThrottleSettings
from auth_service.authenticators.throttle_stores import Counter, CounterStore
from auth_service.db.session import Session
from auth_service.errors import TooManyAttemptsError
from auth_service.users.identifier import normalize_identifier

log = structlog.get_logger()

_IPV6_PREFIX = 64  # what one household or one server gets: within it addresses cost nothing


class Whose(TypedDict):
    """By what attempts are counted."""

    identifier: str
    network: str | None


@dataclass(frozen=True, slots=True)
class ThrottleCounters:
    """The counters of a process: `key` keeps identifiers and addresses out of the store, which has digests only."""

    key: bytes
    settings: ThrottleSettings
    store: CounterStore
    refused: Tally[ThrottleKind] = field(default_factory=Tally)

    async def count(self, kind: ThrottleKind, identifier: str, network: str | None) -> float | None:
        """Count an attempt; return None when it is allowed, or else the seconds until one is."""
        wait = await self.store.count(list(self._counters(kind, identifier, network)))
        if wait is not None:
            self.refused[kind] += 1
        return wait

    async def succeed(self, kind: ThrottleKind, identifier: str, network: str | None) -> None:
        """Take it that whoever is at `network` is the one whose `identifier` it is."""
        if network is not None:
            await self.store.succeed(
                clear=self._digest(kind, "pair", identifier, network),
                mark=self._digest(kind, "familiar", identifier, network),
                lasting=self.settings.familiar_for.total_seconds(),
            )

    def _counters(self, kind: ThrottleKind, identifier: str, network: str | None) -> Iterator[Counter]:
        """Yield the pair, the network, the identifier, always in this order: two that count never wait in a circle.

        Without a network (a socket of this machine) there is only the identifier to count by.
        """
        limits = self.settings.limits_of(kind)
        familiar = None
        if network is not None:
            familiar = self._digest(kind, "familiar", identifier, network)
            yield Counter(self._digest(kind, "pair", identifier, network), limits.pair, limits.near_window)
            yield Counter(self._digest(kind, "network", network), limits.network, limits.near_window)
        yield Counter(self._digest(kind, "identifier", identifier), limits.identifier, limits.far_window, familiar)

    def _digest(self, *parts: str) -> str:
        text = "\0".join(parts).encode("utf-8", "surrogatepass")
        return hmac.digest(self.key, text, sha256).hex()


@dataclass(frozen=True, slots=True)
class Throttle:
    """What a use case asks before it checks a secret or does what strangers could ask for too often.

    Known and unknown identifiers are counted alike, so that a refusal does not tell who exists.
    """

    session: Session
    counters: ThrottleCounters

    async def admit(self, kind: ThrottleKind, *, identifier: str, network: str | None) -> None:
        """Count an attempt, and commit that; raises TooManyAttemptsError instead when there were too many.

        This ends the transaction of the unit of work: the count must stand whatever becomes of the request, and
        SQLite has one write lock. What was read before must be asked again before it is acted on.
        """
        await self.session.release()
        wait = await self.counters.count(kind, _normalised(identifier), network_of(network))
        if wait is not None:
            retry_after = max(1, math.ceil(wait))
            log.info("throttle.refused", kind=kind, network=network, retry_after=retry_after)
            raise TooManyAttemptsError(retry_after)

    async def succeeded(self, kind: ThrottleKind, *, identifier: str, network: str | None) -> None:
        """Forget the attempts of this pair, and remember it: guesses from elsewhere do not lock it out.

        The network's own count stays, or whoever has one account could guess at all others. Ends the transaction, too.
        """
        await self.session.release()
        await self.counters.succeed(kind, _normalised(identifier), network_of(network))


def network_of(address: str | None) -> str | None:
    """Return what counts as one network: an IPv4 address, a /64 of IPv6."""
    if address is None:
        return None
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((int(ip), _IPV6_PREFIX), strict=False))
    return str(ip)


def _normalised(identifier: str) -> str:
    return normalize_identifier(identifier) or identifier.strip()
