"""Which documents of the feed are believed, and what they end, by a clock that stands still."""

from typing import Any

import pytest

from auth_service_client.core import VerifierCore
from auth_service_client.errors import InvalidTokenError
from auth_service_client.jws import mark
from auth_service_client.testing import LocalIssuer
from client_support import StandingClock, core_of, document, take_keys

LATER = 2**40


def entry(kind: str, value: str, before: int) -> dict[str, Any]:
    return {"kind": kind, "digest": mark(kind, value), "before": before}


class Scene:
    """An issuer and a verifier that has taken its first, empty list."""

    def __init__(self) -> None:
        self.issuer, self.clock = LocalIssuer(), StandingClock()
        self.core: VerifierCore = core_of(self.issuer, self.clock)
        self.take()

    @property
    def now(self) -> int:
        return int(self.clock.now.wall)

    def take(self, **changes: Any) -> None:
        take_keys(self.core, self.issuer)
        self.core.take_feed(document(self.issuer, self.clock, **changes))

    def query(self) -> dict[str, str]:
        assert self.core.revocations is not None
        return self.core.revocations.query(patient=True)

    def accepts(self, token: str) -> bool:
        try:
            self.core.verify(token)
        except InvalidTokenError as refusal:
            return str(refusal) != "revoked"
        return True


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.mark.parametrize(("kind", "claim"), [("sid", "sid"), ("client", "client_id")])
@pytest.mark.parametrize("seen", [True, False], ids=["seen", "unseen"])
def test_an_entry_ends_what_was_issued_until_then(scene: Scene, kind: str, claim: str, *, seen: bool) -> None:
    x: dict[str, Any] = {claim: "x"}
    y: dict[str, Any] = {claim: "y"}
    tokens = {iat: scene.issuer.token(iat=iat, **x) for iat in (scene.now - 1, scene.now, scene.now + 1)}
    other = scene.issuer.token(**y)
    if seen:
        assert all(scene.accepts(token) for token in tokens.values())

    scene.take(entries=[entry(kind, "x", scene.now)], next=1, seq=1)

    assert [scene.accepts(token) for token in tokens.values()] == [False, False, True]
    assert scene.accepts(other)


def test_an_entry_of_one_kind_ends_nothing_of_another_and_an_unknown_kind_nothing_at_all(scene: Scene) -> None:
    token = scene.issuer.token(sid="x", client_id="y")

    future = {"kind": "tenant", "digest": 7, "since": "2030"}
    scene.take(entries=[entry("client", "x", LATER - 1), entry("sid", "y", LATER - 1), future], next=3, seq=3)

    assert scene.accepts(token)


def test_a_key_ends_for_tokens_of_any_age_and_for_the_feed(scene: Scene) -> None:
    seen, stolen = scene.issuer.token(), scene.issuer.key
    assert scene.accepts(seen)

    scene.take(entries=[entry("kid", stolen.kid, scene.now)], next=1, seq=1)

    forged = scene.issuer.token(iat=scene.now + 20, exp=scene.now + 10**6)
    assert [scene.accepts(seen), scene.accepts(forged)] == [False, False]
    with pytest.raises(InvalidTokenError, match="a key that has ended"):
        scene.take(from_=1, next=1, seq=1, entries=[])
    scene.clock.move(10**5)
    with pytest.raises(InvalidTokenError, match="a key that has ended"):
        scene.take()
    scene.issuer.rotate()
    scene.take(from_=1, next=1, seq=1, entries=[])
    assert scene.accepts(scene.issuer.token(exp=scene.now + 600))


def test_an_entry_is_kept_until_its_own_end_whatever_later_documents_say(scene: Scene) -> None:
    token = scene.issuer.token(sid="x", iat=scene.now, exp=scene.now + 10**6)
    scene.take(entries=[entry("sid", "x", scene.now + 30)], next=1, seq=1, keep=630)

    scene.clock.move(30 + 630 + 29)
    scene.take(epoch="another", entries=[], next=0, seq=0)
    assert not scene.accepts(token)

    scene.clock.move(2)
    scene.take(epoch="another", entries=[], next=0, seq=0)
    assert scene.accepts(token)


def test_a_wall_clock_that_jumps_makes_nothing_forgotten(scene: Scene) -> None:
    token = scene.issuer.token(sid="x")
    scene.take(entries=[entry("sid", "x", scene.now)], next=1, seq=1)

    scene.clock.set_wall(10**4)
    scene.take(entries=[], next=1, seq=1)
    scene.clock.set_wall(-(10**4))
    scene.take(entries=[], next=1, seq=1)

    assert not scene.accepts(token)


def test_the_later_end_of_two_entries_counts(scene: Scene) -> None:
    token = scene.issuer.token(sid="x", iat=scene.now)

    scene.take(entries=[entry("sid", "x", scene.now), entry("sid", "x", scene.now - 100)], next=2, seq=2)

    assert not scene.accepts(token)


def test_pages_are_fetched_on_until_the_list_is_full() -> None:
    issuer, clock = LocalIssuer(), StandingClock()
    core = core_of(issuer, clock)
    revocations = core.revocations
    assert revocations is not None
    queries = []
    for start, following in ((0, 1000), (1000, 2000), (2000, 2001)):
        queries.append(revocations.query(patient=True))
        assert not revocations.full
        entries = [entry("sid", str(number), LATER - 1) for number in range(start, following)]
        core.take_feed(document(issuer, clock, from_=start, next=following, seq=2001, entries=entries))

    assert queries == [
        {},
        {"after": "1000", "epoch": issuer.epoch},
        {"after": "2000", "epoch": issuer.epoch},
    ]
    assert revocations.full
    assert revocations.query(patient=True) == {"after": "2001", "epoch": issuer.epoch, "wait": "10"}
    for number in (0, 1000, 2000):
        with pytest.raises(InvalidTokenError, match="revoked"):
            core.verify(issuer.token(sid=str(number)))


OUT_OF_LINE: dict[str, dict[str, Any]] = {
    "a lower number": {"from_": 0, "next": 4, "seq": 4},
    "a page that was not asked for": {"from_": 3, "next": 6, "seq": 6},
    "a page ahead of the cursor": {"from_": 6, "next": 6, "seq": 6},
    "another epoch behind a cursor": {"epoch": "another", "from_": 5, "next": 5, "seq": 5},
}


@pytest.mark.parametrize("changes", [pytest.param(changes, id=name) for name, changes in OUT_OF_LINE.items()])
def test_a_document_that_is_out_of_line_changes_nothing(scene: Scene, changes: dict[str, Any]) -> None:
    scene.take(entries=[entry("sid", str(number), scene.now) for number in range(5)], next=5, seq=5)
    query = scene.query()

    with pytest.raises(InvalidTokenError):
        scene.take(**{"entries": [entry("sid", "x", LATER - 1)], **changes})

    assert scene.query() == query
    assert scene.accepts(scene.issuer.token(sid="x"))


def test_a_new_epoch_starts_the_numbers_anew_and_keeps_the_entries(scene: Scene) -> None:
    scene.take(entries=[entry("sid", "x", scene.now + 30)], next=90, seq=90)

    scene.take(epoch="another", entries=[entry("sid", "y", scene.now + 30)], next=2, seq=2)

    assert scene.query() == {"after": "2", "epoch": "another", "wait": "10"}
    assert [scene.accepts(scene.issuer.token(sid=sid)) for sid in "xyz"] == [False, False, True]


def test_the_full_list_in_the_same_epoch_is_taken_too(scene: Scene) -> None:
    scene.take(entries=[], next=5, seq=5)

    scene.take(from_=0, entries=[entry("sid", "x", scene.now + 30)], next=6, seq=6)

    assert not scene.accepts(scene.issuer.token(sid="x"))


def test_more_entries_than_there_is_room_for_are_refused_and_none_is_dropped(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth_service_client.revocations._MAX_ENTRIES", 1)
    scene.take(entries=[entry("sid", "x", scene.now + 30)], next=1, seq=1)

    with pytest.raises(InvalidTokenError, match="room"):
        scene.take(from_=1, entries=[entry("sid", "y", scene.now + 30)], next=2, seq=2)

    assert [scene.accepts(scene.issuer.token(sid=sid)) for sid in "xy"] == [False, True]


def test_what_is_over_takes_no_room_from_what_is_new(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auth_service_client.revocations._MAX_ENTRIES", 2)
    old = [entry("sid", sid, scene.now) for sid in "ab"]
    scene.take(entries=old, next=2, seq=2, keep=630)

    scene.clock.move(630 + 31)
    scene.take(from_=2, entries=[entry("sid", sid, scene.now) for sid in "xy"], next=4, seq=4, keep=630)

    tokens = [scene.issuer.token(sid=sid, iat=scene.now, exp=scene.now + 600) for sid in "xyz"]
    assert [scene.accepts(token) for token in tokens] == [False, False, True]


def test_the_digest_is_the_one_of_the_specification() -> None:
    # printf 'sid:%s' 0199 | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d =
    assert mark("sid", "0199") == "mC-mwHiT5PLP0trbJAHS9Ok1e1Efa_LfszQ2GFKzCjU"
