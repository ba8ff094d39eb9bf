"""The client package against a running server: what ends at the one is refused by the other, over whatever happens."""

import itertools
import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import httpx
import jwt
import pytest
from anyio.from_thread import start_blocking_portal

from auth_service.cli.dev import ADMIN_EMAIL
from auth_service_client.async_verifier import AsyncVerifier
from auth_service_client.errors import InvalidTokenError, ServiceUnavailableError
from auth_service_client.settings import VerifierSettings
from auth_service_client.verifier import Verifier
from tests.support.commands import Operator, Outcome, make_operator
from tests.support.ports import free_port

AUDIENCE = "https://orders.example.com"
TIMES = {
    "AUTH_TOKENS__KEY_REFRESH_INTERVAL": "PT0.1S",
    "AUTH_TOKENS__JWKS_MAX_AGE": "PT1S",
    "AUTH_TOKENS__KEY_DWELL": "PT2S",
}
PATIENCE_SECONDS = 15
T = TypeVar("T")
ACCEPTED, REFUSED, UNAVAILABLE = "accepted", "refused", "unavailable"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens on the same address whenever it runs."""

    operator: Operator
    client: httpx.Client

    @contextmanager
    def running(self) -> Iterator[None]:
        with self.operator.start("dev", "--port", str(self.client.base_url.port)) as program:
            program.ready("Stop with Ctrl+C.")
            yield
            assert program.stop(signal.SIGTERM).code == 0

    def change_keys(self, *command: str) -> Outcome:
        """Do what an operator does in an emergency."""
        own = {
            "AUTH_DATABASE__URL": f"sqlite:///{self.operator.folder}/var/dev.db",
            "AUTH_SECURITY__MASTER_KEYS": self._state()["master_key"],
        }
        return self.operator.run("keys", *command, "--emergency", **own)

    def _state(self) -> dict[str, str]:
        state: dict[str, str] = json.loads((self.operator.folder / "var" / "dev.json").read_text())
        return state

    def sign_in(self) -> str:
        state = self._state()
        return self.token(grant_type="password", username=ADMIN_EMAIL, password=state["admin_password"])

    def token(self, **form: str) -> str:
        token: str = self.client.post("/oauth/token", data=form).raise_for_status().json()["access_token"]
        return token

    def ask(self, method: str, path: str, token: str, **content: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return self.client.request(method, path, headers=headers, **content).raise_for_status()

    def sign_out(self, token: str) -> None:
        self.ask("DELETE", f"/users/me/sessions/{_claim(token, 'sid')}", token)

    def sign_in_with_another_key_than(self, *kids: str) -> str:
        """Sign in again and again until the server has heard of the change."""
        return _first(self.sign_in, lambda token: _kid(token) not in kids)


@dataclass(frozen=True, slots=True)
class Package:
    """A verifier of each kind."""

    verify: dict[str, Callable[[str], object]]
    catch_up: dict[str, Callable[[], None]]

    def answers(self, token: str) -> dict[str, str]:
        return {name: _answer(verify, token) for name, verify in self.verify.items()}

    def catch_up_all(self) -> None:
        for catch_up in self.catch_up.values():
            catch_up()

    def all_say(self, answer: str) -> dict[str, str]:
        return dict.fromkeys(self.verify, answer)


@contextmanager
def _prepared_server(folder: Path) -> Iterator[Server]:
    url = f"http://127.0.0.1:{free_port()}"
    operator = make_operator(folder)
    for name in ("AUTH_DATABASE__URL", "AUTH_SECURITY__MASTER_KEYS"):  # `dev` has its own
        del operator.environment[name]
    operator.environment.update({**TIMES, "AUTH_TOKENS__ISSUER": url, "AUTH_TOKENS__SHARED_AUDIENCES": AUDIENCE})
    with httpx.Client(base_url=url) as client:
        yield Server(operator, client)


@contextmanager
def _opened_package(server: Server) -> Iterator[Package]:
    settings = VerifierSettings(issuer=server.operator.environment["AUTH_TOKENS__ISSUER"], audience=AUDIENCE)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(AsyncVerifier(settings)) as on_a_loop,
        Verifier(settings) as for_threads,
    ):
        yield Package(
            {"AsyncVerifier": partial(portal.call, on_a_loop.verify), "Verifier": for_threads.verify},
            {"AsyncVerifier": partial(portal.call, on_a_loop.catch_up), "Verifier": for_threads.catch_up},
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with _prepared_server(tmp_path_factory.mktemp("server")) as prepared, prepared.running():
        yield prepared


@pytest.fixture
def package(server: Server) -> Iterator[Package]:
    with _opened_package(server) as opened:
        yield opened


def test_a_session_that_ended_is_refused_and_another_of_the_same_person_is_not(
    server: Server, package: Package
) -> None:
    token, other = server.sign_in(), server.sign_in()
    before = package.answers(token)

    server.sign_out(token)
    package.catch_up_all()

    assert before == package.all_say(ACCEPTED)
    assert package.answers(token) == package.all_say(REFUSED)
    assert package.answers(other) == package.all_say(ACCEPTED)


def test_nobody_has_to_ask_for_the_news(server: Server, package: Package) -> None:
    token = server.sign_in()
    before = package.answers(token)

    server.sign_out(token)
    after = _first(partial(package.answers, token), lambda answers: ACCEPTED not in answers.values())

    assert before == package.all_say(ACCEPTED)
    assert after == package.all_say(REFUSED)


def test_a_client_that_was_disabled_is_refused_and_another_is_not(server: Server, package: Package) -> None:
    admin = server.sign_in()
    sent = {"name": "Shop", "kind": "confidential", "grants": ["client_credentials"], "audiences": [AUDIENCE]}
    made, other = (server.ask("POST", "/clients", admin, json=sent).json() for _ in range(2))
    token, others = (
        server.token(grant_type="client_credentials", **{name: one[name] for name in ("client_id", "client_secret")})
        for one in (made, other)
    )
    before = package.answers(token)

    server.ask("PATCH", f"/clients/{made['client_id']}", admin, json={"is_active": False})
    package.catch_up_all()

    assert before == package.all_say(ACCEPTED)
    assert package.answers(token) == package.all_say(REFUSED)
    assert package.answers(others) == package.all_say(ACCEPTED)


def test_no_good_token_is_refused_over_rotations_not_even_of_a_key_that_nobody_could_know_before(
    server: Server, package: Package
) -> None:
    tokens = [server.sign_in()]
    answers = [package.answers(tokens[0])]

    for _ in range(2):
        server.change_keys("rotate")
        tokens.append(server.sign_in_with_another_key_than(*map(_kid, tokens)))
        answers += map(package.answers, tokens)

    assert answers == [package.all_say(ACCEPTED)] * 6


def test_tokens_of_a_key_that_was_revoked_are_refused_and_those_of_its_successor_are_not(
    server: Server, package: Package
) -> None:
    token = server.sign_in()
    before = package.answers(token)

    revoked = server.change_keys("revoke", _kid(token))
    after = _first(partial(package.answers, token), lambda answers: ACCEPTED not in answers.values())
    successor = server.sign_in_with_another_key_than(_kid(token))

    assert (revoked.code, before) == (0, package.all_say(ACCEPTED))
    assert after == package.all_say(REFUSED)
    assert package.answers(successor) == package.all_say(ACCEPTED)


def test_a_restart_of_the_service_is_survived_and_what_ends_after_it_is_refused(tmp_path: Path) -> None:
    with _prepared_server(tmp_path) as server, ExitStack() as exits:
        with server.running():
            package = exits.enter_context(_opened_package(server))
            token, other = server.sign_in(), server.sign_in()
            before = package.answers(token)
        meanwhile = package.answers(token)

        with server.running():
            server.sign_out(token)
            after = _first(partial(package.answers, token), lambda answers: ACCEPTED not in answers.values())
            others = package.answers(other)

        assert before == meanwhile == others == package.all_say(ACCEPTED)
        assert after == package.all_say(REFUSED)


def _answer(verify: Callable[[str], object], token: str) -> str:
    try:
        verify(token)
    except InvalidTokenError:
        return REFUSED
    except ServiceUnavailableError:
        return UNAVAILABLE
    return ACCEPTED


def _first(produce: Callable[[], T], is_wanted: Callable[[T], bool]) -> T:
    """Return the first of its results that is wanted."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    results = (produce() for _ in itertools.takewhile(lambda _: time.monotonic() < deadline, itertools.count()))
    return next(result for result in results if is_wanted(result))


def _kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def _claim(token: str, name: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})[name])
