"""Decides what was lost, doubled or cannot be known, from what clients wrote down and what the database has."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chaos.ledger import Entry, Kind


@dataclass(frozen=True, slots=True)
class StoredSession:
    """What a session keeps of its refresh tokens: the digest of the current one, in hexadecimal."""

    current: str
    is_live: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database has: ids by title and by address, prices and audited changes by item, sessions by id."""

    items: Mapping[str, Sequence[str]]
    prices: Mapping[str, int]
    changes: Mapping[str, int]
    accounts: Mapping[str, Sequence[str]]
    sessions: Mapping[str, StoredSession]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts of one kind of write.

    Of the unknown ones, `found` were done all the same, and `repeated` were done once more because the client tried
    again: neither is a fault, as nobody told the client and there is no key by which the service could know the second
    for the first.
    """

    kind: Kind
    acknowledged: int
    lost: int
    doubled: int
    unknown: int
    found: int
    repeated: int = 0


def judge(acknowledged: Sequence[Entry], unknown: Sequence[Entry], stored: Stored) -> list[Verdict]:
    """Return a verdict for each kind of write."""
    return [
        _judge_rows(Kind.ITEM, acknowledged, unknown, stored.items),
        _judge_prices(_of(Kind.PRICE, acknowledged), _of(Kind.PRICE, unknown), stored),
        _judge_rows(Kind.ACCOUNT, acknowledged, unknown, stored.accounts),
        _judge_sessions(_of(Kind.SESSION, acknowledged), _of(Kind.SESSION, unknown), stored.sessions),
    ]


def _of(kind: Kind, entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.kind is kind]


def _judge_rows(
    kind: Kind, acknowledged: Sequence[Entry], unknown: Sequence[Entry], stored: Mapping[str, Sequence[str]]
) -> Verdict:
    """Judge what makes a row of its own: each acknowledged id is there, and no row that nobody asked for."""
    promised, open_ends = _of(kind, acknowledged), _of(kind, unknown)
    lost = sum(entry.value not in stored.get(entry.key, ()) for entry in promised)
    ids, tries = defaultdict[str, set[str]](set), Counter(entry.key for entry in open_ends)
    for entry in promised:
        ids[entry.key].add(entry.value)
    doubled = found = repeated = 0
    for key in {*ids, *tries, *stored}:
        unasked = len(set(stored.get(key, ())) - ids[key])
        explained = min(unasked, tries[key])
        doubled += unasked - explained
        found += explained
        repeated += explained if ids[key] else max(explained - 1, 0)
    return Verdict(kind, len(promised), lost, doubled, len(open_ends), found, repeated)


def _judge_prices(acknowledged: Sequence[Entry], unknown: Sequence[Entry], stored: Stored) -> Verdict:
    """Judge changes: an item has the last number that was promised or a later one that was tried.

    Each promised change has left one record in the audit.
    """
    lost = doubled = found = 0
    promised, tried = _numbers(acknowledged), _numbers(unknown)
    for item in {*promised, *tried}:
        last, price = max(promised[item], default=0), stored.prices.get(item, -1)
        audited, certain = stored.changes.get(item, 0), len(promised[item])
        is_wrong = bool(promised[item]) and price != last and not (price > last and price in tried[item])
        lost += max(certain - audited, int(is_wrong))
        doubled += max(audited - certain - len(tried[item]), 0)
        found += min(max(audited - certain, 0), len(tried[item]))
    return Verdict(Kind.PRICE, len(acknowledged), lost, doubled, len(unknown), found)


def _numbers(entries: Iterable[Entry]) -> defaultdict[str, list[int]]:
    numbers = defaultdict[str, list[int]](list)
    for entry in entries:
        numbers[entry.key].append(int(entry.value))
    return numbers


def _judge_sessions(
    acknowledged: Sequence[Entry], unknown: Sequence[Entry], stored: Mapping[str, StoredSession]
) -> Verdict:
    """Judge chains of refreshes: the token that was given out last is the current one of a session that lives.

    Where it was presented once more and no answer came, it may have been exchanged; presented again after the replay
    window it even ends the session, as a stolen one would.
    """
    last = {entry.key: entry.value for entry in acknowledged}
    presented = {(entry.key, entry.value) for entry in unknown}
    lost = found = 0
    for session, digest in last.items():
        state = stored.get(session)
        if state is None:
            lost += 1
        elif (session, digest) in presented:
            found += state.current != digest
        else:
            lost += state.current != digest or not state.is_live
    return Verdict(Kind.SESSION, len(acknowledged), lost, 0, len(unknown), found)
