"""How long PostgreSQL lets a transaction of ours idle, wait and work, so that a replica that freezes stops no other."""

from sqlalchemy import Select, func, select

LIMITS = {
    # A replica that freezes, or that the network lost, in the middle of a transaction keeps every lock it has, the one
    # row that numbers the revocations too. This ends it. Ours wait for nobody but the database: passwords are hashed
    # outside (`Session.release`), and the longest pause is the making of an RSA key, some tenths of a second.
    "idle_in_transaction_session_timeout": "10s",
    # Until then those who need what it holds get a 503 instead of keeping all connections of their pool. Longer than
    # PostgreSQL's `deadlock_timeout` (1 s), so that a deadlock is still found and ended at one of its members only.
    "lock_timeout": "3s",
    # Nothing that a request asks takes that long, and nobody waits for the answer any more.
    "statement_timeout": "30s",
}


def without_limits(*names: str) -> Select[tuple[str, ...]]:
    """Return the statement that lifts these limits, or all, until the end of the transaction: for work that may last.

    Never for the session: behind a transaction pooler that would be somebody else's afterwards.
    """
    return select(*(func.set_config(name, "0", True) for name in names or LIMITS))  # noqa: FBT003 - is_local
