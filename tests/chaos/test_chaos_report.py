"""What a run of the faults leaves to read, and when the command says that something is wrong."""

from pathlib import Path

from chaos.judge import Verdict
from chaos.ledger import Entry, Kind, Ledger, read_acknowledged, read_unknown
from chaos.report import write_results
from chaos.scenario import Finding, Goal, Outcome, Scale, Scenario, run_scenario


async def find(_scale: Scale, *, guarded: bool) -> Finding:
    verdicts = [Verdict(Kind.ITEM, 1200, 0, 0, 3, 2, 1)]
    return Finding([Goal("nothing lost", "0 of 1,200" if guarded else "7 of 900", met=guarded)], verdicts, "10 kills.")


async def find_nothing_without_the_guard(_scale: Scale, *, guarded: bool) -> Finding:  # noqa: ARG001
    return Finding([Goal("nothing lost", "0 of 900", met=True)])


def scenario(name: str = "killed", title: str = "a replica is killed") -> Scenario:
    return Scenario(name, title, "no guard", "nothing lost", find)


async def outcome_of(scenario: Scenario) -> Outcome:
    return await run_scenario(scenario, Scale(is_quick=True), lambda _line: None)


async def test_a_control_that_notices_nothing_is_a_missed_goal() -> None:
    blind = Scenario("blind", "a fault", "no guard", "nothing lost", find_nothing_without_the_guard)

    noticed, unnoticed = await outcome_of(scenario()), await outcome_of(blind)

    assert [goal.met for goal in noticed.goals] == [True, True]
    assert [goal.met for goal in unnoticed.goals] == [True, False]


async def test_a_section_is_replaced_by_the_next_run_of_its_scenario(tmp_path: Path) -> None:
    results = tmp_path / "results.md"
    write_results(results, await outcome_of(scenario()))
    write_results(results, await outcome_of(scenario("away", "the database is away")))

    write_results(results, await outcome_of(scenario(title="a replica is killed again")))

    lines = results.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("#")] == ["# What faults cost", "## killed", "## away"]
    assert "A replica is killed again. 10 kills." in lines
    assert "A replica is killed. 10 kills." not in lines
    assert lines.count("| nothing lost | 0 of 1,200 | met |") == 2
    assert lines.count("| control: no guard; then “nothing lost” is missed | 7 of 900 | met |") == 2
    assert lines.count("| item created | 1,200 | 0 | 0 | 3 | 2 | 1 |") == 2


def test_a_ledger_is_read_as_it_was_written(tmp_path: Path) -> None:
    first, second = Entry(Kind.ITEM, "title", "item"), Entry(Kind.PRICE, "item", "7")
    with Ledger(tmp_path, "client-00") as ledger, Ledger(tmp_path, "client-01") as other:
        ledger.acknowledge(first)
        other.leave_open(second)
        other.acknowledge(second)

        acknowledged, unknown = read_acknowledged(tmp_path), read_unknown(tmp_path)

    assert (acknowledged, unknown) == ([first, second], [second])
