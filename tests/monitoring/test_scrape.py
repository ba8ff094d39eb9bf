"""What a scrape says after people have used the service, and that it says so whatever else goes on."""

import asyncio
import json
import secrets
import socket
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from auth_service.db.replica import Replica
from auth_service.monitoring import collector
from tests.support.metrics import Scrape, Scraped
from tests.support.second_factor import enrol
from tests.support.service import Service, bearer


async def test_requests_are_counted_by_the_route_and_never_by_the_path(watched: Service, metrics: Scraped) -> None:
    ann = await watched.make_user()
    item = await watched.make_item(ann)

    for path in (f"/items/{item['id']}", "/items/unknown", f"/users/{ann.id}", "/nothing-here", f"/{ann.id}"):
        await watched.client.get(path, headers=bearer(ann))
    await watched.client.request("PROPFIND", "/items", headers=bearer(ann))
    scraped = await metrics.scrape()

    counted = {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in scraped.families
        if family.name == "auth_service_http_requests"
        for sample in family.samples
    }
    assert counted == {
        ("POST", "/oauth/token", "200"): 1,
        ("POST", "/items", "201"): 1,
        ("GET", "/items/{item_id}", "200"): 1,
        ("GET", "/items/{item_id}", "422"): 1,
        ("GET", "/users/{user_id}", "200"): 1,
        ("GET", "(none)", "404"): 2,
        ("(other)", "/items", "405"): 1,
    }
    assert scraped.value("http_request_seconds_count", route="(none)", method="GET") == 2
    assert str(ann.id) not in scraped.text
    assert ann.email not in scraped.text


async def test_a_service_whose_metrics_are_off_counts_no_request(service: Service) -> None:
    await service.client.get("/livez")

    assert service.app.state.request_meter.counts() == {}


async def test_sign_ins_are_counted_by_what_became_of_them(watched: Service, metrics: Scraped) -> None:
    ann, ben = await watched.make_user(), await watched.make_user(is_active=False)
    careful = await enrol(watched)
    before = await metrics.scrape()

    await watched.sign_in(ann.email)
    await watched.sign_in(ben.email)
    await watched.sign_in("nobody@example.com")
    await watched.sign_in(careful.account.email)
    for _ in range(4):
        await watched.sign_in(ann.email, "wrong")
    after = await metrics.scrape()

    assert _difference(before, after, "outcome", "sign_ins_total") == {
        "succeeded": 1,
        "disabled": 1,
        "unknown_account": 1,
        "wrong_password": 3,
        "throttled": 1,
        "second_factor_asked": 1,
    }
    assert after.value("throttled_total", kind="sign_in") == 1
    assert after.value("security_events_total", event="sign_in", outcome="failure") == 6


def _difference(before: Scrape, after: Scrape, label: str, name: str) -> dict[str, float]:
    earlier, later = before.by(label, name), after.by(label, name)
    return {each: value - earlier.get(each, 0) for each, value in later.items() if value != earlier.get(each)}


async def test_access_tokens_that_let_nobody_in_are_counted_by_few_reasons(watched: Service, metrics: Scraped) -> None:
    ann = await watched.make_user()
    await watched.client.post("/users/me/sessions/end-others", headers=bearer(ann))
    again = await watched.sign_in_again(ann)
    await watched.client.post("/users/me/sessions/end-others", headers=bearer(again))

    for token in (secrets.token_urlsafe(), f"{ann.token}x", ann.token):
        await watched.client.get("/users/me", headers={"Authorization": f"Bearer {token}"})
    scraped = await metrics.scrape()

    assert scraped.by("reason", "bearer_tokens_refused_total") == {"not_ours": 2, "session_ended": 1}


async def test_the_state_of_a_process_is_there(watched: Service, metrics: Scraped) -> None:
    await watched.make_user()
    await watched.client.get("/oauth/revocations")

    scraped = await metrics.scrape()

    assert scraped.value("hash_workers") == 2
    assert scraped.value("hash_queue_length") == 0
    assert scraped.value("hash_seconds_count") == 2  # one made, one verified
    assert scraped.value("pool_limit", database="primary") == 20
    assert (scraped.value("pool_in_use", database="primary") or 0) < 20  # the background may be at work
    assert scraped.value("read_replica_up") is None
    assert scraped.value("throttle_store_up") == 1
    assert scraped.value("feed_read_seconds_count") == 1
    assert scraped.value("feed_lag_seconds") == 0
    assert scraped.value("can_sign") == 1
    assert 0 <= (scraped.value("signing_key_age_seconds") or -1) < 3600
    assert (scraped.value("signing_key_due_seconds") or 0) > 29 * 86_400
    assert scraped.value("outbox_up") == 1
    assert scraped.value("outbox_waiting") == 0
    assert "process_open_fds" in scraped.text


async def test_a_read_replica_has_connections_and_a_state_of_its_own(watched: Service, metrics: Scraped) -> None:
    settings = watched.runtime.settings.database
    watched.runtime.replica = Replica(settings, settings.url)  # it closes with the others

    scraped = await metrics.scrape()

    assert scraped.value("read_replica_up") == 1
    assert scraped.value("pool_limit", database="replica") == 20
    assert scraped.value("pool_in_use", database="replica") == 0


async def test_while_the_event_loop_is_busy_the_rest_is_still_answered(
    watched: Service, metrics: Scraped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "_LONGEST_SCRAPE_SECONDS", 0.05)
    await watched.client.get("/livez")

    scraped = metrics.scrape_while_the_caller_waits()  # the caller is the event loop

    assert scraped.value("http_requests_total", method="GET", route="/livez", status="200") == 1
    assert scraped.value("outbox_up") == 0
    assert scraped.value("outbox_waiting") is None
    assert (scraped.value("event_loop_delay_seconds") or 0) >= 0.05


async def test_whoever_connects_and_says_nothing_keeps_nobody_from_scraping(metrics: Scraped) -> None:
    with socket.create_connection(("127.0.0.1", metrics.port)):
        scraped = await metrics.scrape()

    assert scraped.value("can_sign") == 1


async def test_there_is_nothing_but_metrics_on_that_port(metrics: Scraped) -> None:
    with pytest.raises(HTTPError) as refused:
        await asyncio.to_thread(urlopen, f"http://127.0.0.1:{metrics.port}/users")

    with refused.value as answer:
        assert answer.status == 404
        assert answer.headers["Server"] == "auth-service"


async def test_an_answer_with_503_says_what_was_missing(
    watched: Service, metrics: Scraped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched.runtime.hasher, "_capacity", 0)

    answer = await watched.sign_in("nobody@example.com")
    scraped = await metrics.scrape()

    assert answer.status_code == 503, json.dumps(answer.json())
    assert scraped.by("code", "unavailable_total") == {"too_busy": 1}
    assert scraped.value("hashes_turned_away_total") == 1
