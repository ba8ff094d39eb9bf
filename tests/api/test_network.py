"""Which network a request comes from, and that nobody can choose it."""

import pytest
from fastapi import Request

from auth_service.api.network import address_of
from tests.support.throttled import guess, sign_in, throttled_service


def _request(peer: str | None, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", each.encode("latin-1")) for each in forwarded]
    return Request({"type": "http", "headers": headers, "client": (peer, 1) if peer else None})


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        pytest.param(0, ["203.0.113.7"], "10.0.0.1", id="nobody is trusted"),
        pytest.param(1, [], "10.0.0.1", id="no header"),
        pytest.param(1, ["203.0.113.7"], "203.0.113.7", id="the only entry"),
        pytest.param(1, ["198.51.100.1, 203.0.113.7"], "203.0.113.7", id="the last entry"),
        pytest.param(1, ["198.51.100.1", "203.0.113.7"], "203.0.113.7", id="the last of two headers"),
        pytest.param(2, ["198.51.100.1, 203.0.113.7, 10.0.0.9"], "203.0.113.7", id="the last but one of three"),
        pytest.param(2, ["203.0.113.7"], "10.0.0.1", id="fewer entries than hops"),
        pytest.param(1, ["198.51.100.1, "], "10.0.0.1", id="an empty last entry"),
        pytest.param(1, ["198.51.100.1, unknown"], "10.0.0.1", id="no address"),
        pytest.param(1, ["203.0.113.7:4711"], "203.0.113.7", id="with a port"),
        pytest.param(1, ["[2001:db8::1]:4711"], "2001:db8::1", id="IPv6 with a port"),
        pytest.param(1, ["[2001:DB8::0:1]"], "2001:db8::1", id="IPv6 in brackets and another spelling"),
        pytest.param(1, ["fe80::1%eth0\x7f"], "fe80::1", id="IPv6 with a zone"),
        pytest.param(1, ["::ffff:203.0.113.7"], "203.0.113.7", id="IPv4 in IPv6"),
        pytest.param(1, ["203.0.113.007"], "10.0.0.1", id="leading zeros"),
        pytest.param(1, ["9" * 8000], "10.0.0.1", id="8000 digits"),
    ],
)
def test_the_address_is_the_one_that_the_outermost_trusted_proxy_saw(
    hops: int, forwarded: list[str], address: str
) -> None:
    assert address_of(_request("10.0.0.1", *forwarded), trusted_hops=hops) == address


@pytest.mark.parametrize(
    ("peer", "address"),
    [("::ffff:10.0.0.1", "10.0.0.1"), ("2001:DB8::1", "2001:db8::1"), ("/run/socket", "/run/socket"), (None, None)],
)
def test_without_proxies_it_is_whoever_is_connected(peer: str | None, address: str | None) -> None:
    assert address_of(_request(peer), trusted_hops=0) == address


async def test_a_forged_header_gives_no_more_guesses_when_nobody_is_trusted(migrated_database: str) -> None:
    async with throttled_service(migrated_database, guesses_per_account=1000) as service:
        answers = [
            await guess(service, "ann@example.com", by="192.0.2.66", forwarded=f"198.51.100.{number}")
            for number in range(7)
        ]

    assert [answer.status_code for answer in answers] == [400] * 5 + [429] * 2


async def test_behind_one_proxy_only_what_that_proxy_wrote_counts(migrated_database: str) -> None:
    async with throttled_service(migrated_database, hops=1, guesses_per_account=1000) as service:
        answers = [
            await guess(service, "ann@example.com", by="10.0.0.1", forwarded=f"198.51.100.{number}, 203.0.113.7")
            for number in range(7)
        ]
        another = await guess(service, "ann@example.com", by="10.0.0.1", forwarded="203.0.113.7, 203.0.113.8")
        events = await service.audit_events()

    assert [answer.status_code for answer in answers] == [400] * 5 + [429] * 2
    assert another.status_code == 400
    assert {event.network for event in events if event.event == "sign_in"} == {"203.0.113.7", "203.0.113.8"}


async def test_the_addresses_of_one_ipv6_network_are_one(migrated_database: str) -> None:
    async with throttled_service(migrated_database, guesses_per_account=1000) as service:
        ann = await service.make_user()
        answers = [await guess(service, ann.email, by=f"2001:db8:0:7::{number:x}") for number in range(1, 8)]

        assert [answer.status_code for answer in answers] == [400] * 5 + [429] * 2
        assert await sign_in(service, ann.email, by="2001:db8:0:7:ffff::1") == 429
        assert await sign_in(service, ann.email, by="2001:db8:0:8::1") == 200
