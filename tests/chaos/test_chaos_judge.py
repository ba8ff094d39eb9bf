"""The judge of lost and doubled writes: whatever it is there to notice, it notices."""

from dataclasses import replace

import pytest

from chaos.judge import Stored, StoredSession, Verdict, judge
from chaos.ledger import Entry, Kind

ACKNOWLEDGED = [
    Entry(Kind.ITEM, "title", "item"),
    Entry(Kind.PRICE, "item", "1"),
    Entry(Kind.PRICE, "item", "2"),
    Entry(Kind.ACCOUNT, "ann@example.com", "ann"),
    Entry(Kind.SESSION, "session", "first"),
    Entry(Kind.SESSION, "session", "second"),
]
STORED = Stored(
    items={"title": ["item"]},
    prices={"item": 2},
    changes={"item": 2},
    accounts={"ann@example.com": ["ann"]},
    sessions={"session": StoredSession("second", is_live=True)},
)
NOTHING = Stored({}, {}, {}, {}, {})


def verdict_of(kind: Kind, stored: Stored, unknown: list[Entry] | None = None) -> Verdict:
    return next(each for each in judge(ACKNOWLEDGED, unknown or [], stored) if each.kind is kind)


def test_what_is_stored_as_it_was_promised_is_well() -> None:
    verdicts = judge(ACKNOWLEDGED, [], STORED)

    assert verdicts == [
        Verdict(Kind.ITEM, 1, 0, 0, 0, 0),
        Verdict(Kind.PRICE, 2, 0, 0, 0, 0),
        Verdict(Kind.ACCOUNT, 1, 0, 0, 0, 0),
        Verdict(Kind.SESSION, 2, 0, 0, 0, 0),
    ]


def test_an_empty_database_has_lost_everything() -> None:
    verdicts = judge(ACKNOWLEDGED, [], NOTHING)

    assert {each.kind: each.lost for each in verdicts} == {
        Kind.ITEM: 1,
        Kind.PRICE: 2,
        Kind.ACCOUNT: 1,
        Kind.SESSION: 1,
    }


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        pytest.param(Kind.ITEM, replace(STORED, items={"title": ["another"]}), id="a row with another id"),
        pytest.param(Kind.PRICE, replace(STORED, prices={"item": 1}), id="an earlier price"),
        pytest.param(Kind.PRICE, replace(STORED, prices={"item": 3}), id="a price that nobody sent"),
        pytest.param(Kind.PRICE, replace(STORED, changes={"item": 1}), id="a change without its record"),
        pytest.param(Kind.ACCOUNT, replace(STORED, accounts={}), id="no account"),
        pytest.param(
            Kind.SESSION,
            replace(STORED, sessions={"session": StoredSession("first", is_live=True)}),
            id="the token before is the current one",
        ),
        pytest.param(
            Kind.SESSION,
            replace(STORED, sessions={"session": StoredSession("third", is_live=True)}),
            id="a token that nobody has",
        ),
        pytest.param(
            Kind.SESSION,
            replace(STORED, sessions={"session": StoredSession("second", is_live=False)}),
            id="a session that ended by itself",
        ),
    ],
)
def test_what_is_stored_otherwise_is_lost(kind: Kind, stored: Stored) -> None:
    verdict = verdict_of(kind, stored)

    assert verdict.lost == 1


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        (Kind.ITEM, replace(STORED, items={"title": ["item", "again"]})),
        (Kind.ITEM, replace(STORED, items={"title": ["item"], "nobody's": ["surplus"]})),
        (Kind.ACCOUNT, replace(STORED, accounts={"ann@example.com": ["ann", "again"]})),
        (Kind.PRICE, replace(STORED, changes={"item": 3})),
    ],
)
def test_what_nobody_asked_for_is_doubled(kind: Kind, stored: Stored) -> None:
    verdict = verdict_of(kind, stored)

    assert (verdict.lost, verdict.doubled) == (0, 1)


def test_what_a_client_tried_once_more_without_an_answer_is_counted_apart() -> None:
    unknown = [Entry(Kind.ITEM, "title"), Entry(Kind.ITEM, "never seen again")]

    verdict = verdict_of(Kind.ITEM, replace(STORED, items={"title": ["item", "again"]}), unknown)

    assert verdict == Verdict(Kind.ITEM, 1, lost=0, doubled=0, unknown=2, found=1, repeated=1)


def test_a_row_more_than_was_ever_tried_is_doubled() -> None:
    stored = replace(STORED, items={"title": ["item", "again", "and again"]})

    verdict = verdict_of(Kind.ITEM, stored, [Entry(Kind.ITEM, "title")])

    assert (verdict.doubled, verdict.repeated) == (1, 1)


@pytest.mark.parametrize(("price", "changes"), [(2, 2), (3, 3)])
def test_a_change_of_unknown_outcome_may_be_stored_or_not(price: int, changes: int) -> None:
    stored = replace(STORED, prices={"item": price}, changes={"item": changes})

    verdict = verdict_of(Kind.PRICE, stored, [Entry(Kind.PRICE, "item", "3")])

    assert (verdict.lost, verdict.doubled, verdict.found) == (0, 0, changes - 2)


@pytest.mark.parametrize(
    ("session", "found"),
    [
        pytest.param(StoredSession("second", is_live=True), 0, id="not exchanged"),
        pytest.param(StoredSession("third", is_live=True), 1, id="exchanged, the answer was lost"),
        pytest.param(StoredSession("third", is_live=False), 1, id="presented again too late"),
    ],
)
def test_a_refresh_of_unknown_outcome_may_have_happened(session: StoredSession, found: int) -> None:
    stored = replace(STORED, sessions={"session": session})

    verdict = verdict_of(Kind.SESSION, stored, [Entry(Kind.SESSION, "session", "second")])

    assert (verdict.lost, verdict.found) == (0, found)


def test_an_open_end_explains_no_session_that_is_gone() -> None:
    verdict = verdict_of(Kind.SESSION, NOTHING, [Entry(Kind.SESSION, "session", "second")])

    assert verdict.lost == 1
