"""The code of the guide and of the README is run as it is printed."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from fastapi import FastAPI

from auth_service_client.testing import LocalIssuer

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guides" / "verify-tokens" / "python.md").read_text(encoding="utf-8")
README = (ROOT / "client" / "README.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```python title=(\w+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL))


def run(code: str, issuer: LocalIssuer, token: str = "") -> dict[str, Any]:
    names: dict[str, Any] = {"ISSUER": issuer.url, "AUDIENCE": issuer.audience, "TOKEN": token, "token": token}
    exec(compile(code, "guide", "exec"), names)  # noqa: S102 - our own pages
    return names


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    with LocalIssuer() as issuer:
        yield issuer


def test_the_guide_with_this_package(issuer: LocalIssuer, capsys: pytest.CaptureFixture[str]) -> None:
    run(BLOCKS["client"], issuer, issuer.token(subject="ann", scopes="b a"))
    run(BLOCKS["client"], issuer, "x")

    assert capsys.readouterr().out == "ann ['a', 'b']\n401 The access token is not valid.\n"


def test_the_guide_with_pyjwt_alone(issuer: LocalIssuer, capsys: pytest.CaptureFixture[str]) -> None:
    verify = run(BLOCKS["pyjwt"], issuer, issuer.token(subject="ann", scopes="b a"))["verify"]

    assert capsys.readouterr().out == "ann ['b', 'a']\n"
    for bad in (issuer.token(aud=["x"]), issuer.token(exp=1), issuer.token(jti=None), issuer.sign({}, typ="JWT")):
        with pytest.raises(jwt.PyJWTError):
            verify(bad)


async def test_the_guide_with_fastapi(issuer: LocalIssuer) -> None:
    app: FastAPI = run(BLOCKS["fastapi"], issuer)["app"]
    headers = {"Authorization": f"Bearer {issuer.token(subject='ann', scopes='items:read')}"}

    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client,
    ):
        answers = [await client.get("/orders", headers=headers), await client.get("/orders")]

    assert [answer.status_code for answer in answers] == [200, 401]
    assert answers[0].json() == {"orders of": "ann"}


def test_the_readme_begins_with_five_lines_that_verify_a_token(
    issuer: LocalIssuer, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    for code in (first, others[0]):
        run(
            code.replace("https://auth.example.com", issuer.url).replace("https://api.example.com", issuer.audience),
            issuer,
            issuer.token(subject="ann"),
        )
    testing = run(others[2], issuer)
    testing["test_an_ended_session_is_refused"](issuer)

    assert len([line for line in first.splitlines() if line]) <= 5
    assert capsys.readouterr().out == "ann\n"


async def test_the_readme_shows_how_an_application_is_tested(issuer: LocalIssuer) -> None:
    *_, code = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)

    await run(code, issuer)["test_orders_are_for_people"](issuer)


def test_a_misspelt_argument_does_not_become_a_claim(issuer: LocalIssuer) -> None:
    with pytest.raises(TypeError, match="lifetime"):
        issuer.token(lifetime=10)
    with pytest.raises(TypeError, match="scope_"):
        issuer.client_token("client_robot", scope_="items:read")
