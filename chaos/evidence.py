"""Reads from the database what the judge compares with the clients' ledgers."""

from collections import defaultdict

import asyncpg

from chaos.judge import Stored, StoredSession

_CHANGES = """
SELECT subject_id, count(*) FROM audit_events WHERE event = 'item.updated' AND outcome = 'success' GROUP BY subject_id
"""
_SESSIONS = "SELECT id, current_digest, ended_at FROM sessions WHERE current_digest IS NOT NULL"


async def read_evidence(database_url: str, *, leaving_out: str) -> Stored:
    """Return everything that clients may have written; `leaving_out` is the address of the one who was there before."""
    connection = await asyncpg.connect(database_url)
    try:
        items, prices = defaultdict[str, list[str]](list), dict[str, int]()
        for item, title, price in await connection.fetch("SELECT id, title, price FROM items"):
            items[title].append(str(item))
            prices[str(item)] = int(price)
        changes = {str(item): int(count) for item, count in await connection.fetch(_CHANGES)}
        accounts = defaultdict[str, list[str]](list)
        for user, email in await connection.fetch("SELECT id, email FROM users WHERE email <> $1", leaving_out):
            accounts[email].append(str(user))
        sessions = {
            str(session): StoredSession(current.hex(), is_live=ended is None)
            for session, current, ended in await connection.fetch(_SESSIONS)
        }
    finally:
        await connection.close()
    return Stored(items, prices, changes, accounts, sessions)
