"""Checks that a request says which host it is for: what stands in front of the service may have read another one."""


class WrongHostError(Exception):
    """The parser takes it for a fault in what it read, and so do we."""


def check_host(headers: list[tuple[bytes, bytes]], *, version: str) -> None:
    """Raise WrongHostError unless exactly one Host is named (RFC 9112 section 3.2); HTTP/1.0 may leave it out."""
    hosts = [name for name, _ in headers].count(b"host")
    if hosts > 1 or (hosts == 0 and version >= "1.1"):
        raise WrongHostError
