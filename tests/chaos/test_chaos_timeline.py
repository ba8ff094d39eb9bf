"""What is read off the requests of a run: silences, and errors by client and fault."""

import math

from chaos.timeline import Seen, Timeline


def seen(client: int, ended: float, *, status: int | None = 201, is_write: bool = True) -> Seen:
    expected = status is not None and status < 400
    return Seen(client, "item", ended - 0.1, ended, status, is_write=is_write, expected=expected)


def test_silence_is_the_longest_time_without_an_acknowledged_write() -> None:
    answers = [seen(0, 1.0), seen(1, 2.5), seen(0, 3.0, status=None), seen(0, 3.5, is_write=False), seen(0, 4.5)]

    timeline = Timeline(answers, began=0.0, ended=5.0)

    assert timeline.longest_silence() == 2.0
    assert timeline.longest_silence(client=0) == 3.5
    assert timeline.worst_silence() == 3.5


def test_a_client_that_never_comes_back_is_silent_to_the_end() -> None:
    timeline = Timeline([seen(0, 1.0), seen(1, 1.0), seen(1, 9.0)], began=0.0, ended=10.0)

    assert timeline.worst_silence() == 9.0


def test_nothing_seen_is_no_success() -> None:
    timeline = Timeline([], began=0.0, ended=10.0)

    assert timeline.longest_silence() == 10.0
    assert timeline.worst_silence() == math.inf


def test_errors_are_counted_by_fault_and_client() -> None:
    answers = [
        seen(0, 1.2, status=None),
        seen(0, 1.3, status=502),
        seen(1, 1.4, status=502),
        seen(0, 1.5),
        seen(1, 2.2, status=404),
    ]
    timeline = Timeline(answers, began=0.0, ended=3.0)

    parts = timeline.after_each([1.0, 2.0])

    assert [part.most_errors_of_a_client() for part in parts] == [2, 1]
    assert timeline.describe_errors() == "2 x item 502, 1 x item no answer, 1 x item 404"
