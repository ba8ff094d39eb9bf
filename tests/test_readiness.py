"""Readiness is asked by anybody, as often as they like: one question to the database serves them all."""

import asyncio

from sqlalchemy import text

from auth_service.app import turn_readiness_red
from auth_service.db.schema_revision import head_revision
from tests.support.service import Service, assert_problem, running_service
from tests.support.settings import make_settings
from tests.support.statements import every_statement


async def _ask_many(service: Service) -> list[int]:
    return [answer.status_code for answer in await asyncio.gather(*(service.client.get("/readyz") for _ in range(100)))]


async def test_many_who_ask_at_once_share_one_question_with_one_connection(migrated_database: str) -> None:
    impatient: dict[str, object] = {"url": migrated_database, "pool_size": 1, "pool_overflow": 0}
    async with running_service(make_settings(migrated_database, database=impatient)) as service:
        with every_statement(service) as statements:
            answers = await _ask_many(service)

    assert answers == [200] * 100
    assert sum("FROM alembic_version" in statement for statement in statements) == 1


async def test_what_was_answered_is_asked_again_after_a_second(migrated_database: str) -> None:
    async with running_service(make_settings(migrated_database)) as service:
        with every_statement(service) as statements:
            first = [await service.client.get("/readyz") for _ in range(2)]
            asked_for_both = sum("FROM alembic_version" in statement for statement in statements)
            service.runtime._readiness._well_at -= 1
            later = await service.client.get("/readyz")

    assert [answer.status_code for answer in (*first, later)] == [200] * 3
    assert asked_for_both == 1
    assert sum("FROM alembic_version" in statement for statement in statements) == 2


async def _say_it_is_at(service: Service, revision: str) -> None:
    async with service.runtime.database.transaction(writing=True) as session:
        connection = await session.connection()
        await connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})


async def test_what_went_wrong_is_asked_again_at_once_and_never_taken_for_well(migrated_database: str) -> None:
    async with running_service(make_settings(migrated_database)) as service:
        await _say_it_is_at(service, "0001")
        behind = [await service.client.get("/readyz") for _ in range(2)]
        await _say_it_is_at(service, head_revision())

        back = await service.client.get("/readyz")

    for answer in behind:
        assert_problem(answer, 503, code="schema_behind")
    assert back.status_code == 200


async def test_that_the_process_stops_is_seen_while_an_answer_is_kept(migrated_database: str) -> None:
    async with running_service(make_settings(migrated_database)) as service:
        before = await service.client.get("/readyz")
        turn_readiness_red(service.app)

        told = await service.client.get("/readyz")

    assert before.status_code == 200
    assert_problem(told, 503, code="stopping")
