"""Which address a request comes from, as far as that can be believed."""

import ipaddress
import re

from fastapi import Request

_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]*)\](:\d+)?|(?P<v4>\d+\.\d+\.\d+\.\d+):\d+", re.ASCII)


def address_of(request: Request, *, trusted_hops: int) -> str | None:
    """Return the address of the caller, in its one spelling; None for one that has none (a socket of this machine).

    Every proxy adds to X-Forwarded-For who called it. The last `trusted_hops` entries are those that our own proxies
    wrote, so the first of them is the caller; whatever stands before it is the caller's own text. When there are fewer,
    or it is not an address, somebody came another way: then it is whoever is connected. `Forwarded` (RFC 7239) and
    X-Real-IP are not read.
    """
    peer = request.client.host if request.client else None
    if trusted_hops:
        entries = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        if len(entries) >= trusted_hops and (forwarded := _parse(entries[-trusted_hops].strip())):
            return forwarded
    return peer and (_parse(peer) or peer)


def _parse(text: str) -> str | None:
    """Return an address without port and zone, which is any text, or None."""
    found = _WITH_PORT.fullmatch(text)
    try:
        ip = ipaddress.ip_address((found["v6"] or found["v4"] if found else text).partition("%")[0])
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return str(mapped or ip)
