"""The guides as they are printed: their code, run as programs of their own, and tokens of every kind to offer them."""

import re
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jwt

from auth_service.tokens.jws import SigningKey
from tests.support.commands import ROOT
from tests.support.serving import Server

ISSUER, AUDIENCE = "https://auth.example.com", "https://orders.example.com"
_GUIDES = ROOT / "docs" / "guides" / "verify-tokens"
_TIMEOUT_SECONDS = 60.0


def read_guide(name: str) -> dict[str, str]:
    """Return the blocks of code that have a title, by their title."""
    text = (_GUIDES / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^```\w+ title=(\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))


def replaced(code: str, changes: Mapping[str, str]) -> str:
    """Return the code with addresses of this machine; each of them has to be in it."""
    for printed, real in changes.items():
        assert printed in code, printed
        code = code.replace(printed, real)
    return code


@contextmanager
def running(command: Sequence[str | Path], folder: Path, *, sign: str) -> Iterator[None]:
    """Run a program from the line on that says it is ready until the block ends."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    watchdog = threading.Timer(_TIMEOUT_SECONDS, process.kill)
    watchdog.start()
    with process:
        try:
            _wait_for(sign, process)
            yield
        finally:
            watchdog.cancel()
            process.kill()


def _wait_for(sign: str, process: subprocess.Popen[str]) -> None:
    seen = []
    for line in process.stdout or ():
        seen.append(line)
        if sign in line:
            return
    raise AssertionError("".join(seen))


@contextmanager
def backend() -> Iterator[str]:
    """Run a service that knows nothing about tokens and answers with the headers that reach it; return its address."""

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = "\n".join(f"{name.lower()}: {value}" for name, value in self.headers.items()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True, slots=True)
class Issuer:
    """A running server, one of its users, and its own signing key, to show that each check stands alone."""

    server: Server
    user: Mapping[str, str]
    key: SigningKey

    def sign_in(self) -> str:
        """Return an access token of a new session."""
        token: str = httpx.post(f"{self.server.url}/oauth/token", data={"grant_type": "password", **self.user}).json()[
            "access_token"
        ]
        return token

    def end_session(self, token: str) -> None:
        """End the session of a token."""
        answer = httpx.post(f"{self.server.url}/oauth/revoke", data={"token": token})
        assert answer.status_code == 200, answer.text

    def new_client(self, **fields: Any) -> tuple[str, str]:
        """Return the id and the secret of a new confidential client."""
        headers = {"Authorization": f"Bearer {self.server.sign_in()}"}
        new_client = {"name": "Orders", "kind": "confidential", **fields}
        client = httpx.post(f"{self.server.url}/clients", json=new_client, headers=headers).json()
        return client["client_id"], client["client_secret"]

    def bad_tokens(self) -> dict[str, str]:
        """Return a token for each thing that may be wrong with one, all else being as it should."""
        good = self.sign_in()
        claims = jwt.decode(good, options={"verify_signature": False})
        header, body, signature = good.split(".")
        return {
            "expired": self._signed(claims | {"iat": claims["iat"] - 700, "exp": claims["iat"] - 100}),
            "for somebody else": self._signed(claims | {"aud": [self.server.url]}),
            "for nobody": self._signed({name: value for name, value in claims.items() if name != "aud"}),
            "without an end": self._signed({name: value for name, value in claims.items() if name != "exp"}),
            "of another issuer": self._signed(claims | {"iss": ISSUER}),
            "tampered with": ".".join([header, ("A" if body[0] != "A" else "B") + body[1:], signature]),
            "another's claims": ".".join([header, self.sign_in().split(".")[1], signature]),
            "without a signature": self._signed(claims, "", "none"),
            "keyed with what is public": self._signed(claims, self.key.public_jwk["x"], "HS256"),
            "by an unknown key": self._signed(claims, kid="unknown"),
            "of another type": self._signed(claims, typ="JWT"),
            "no JWT": "x",
            "the feed": httpx.get(f"{self.server.url}/oauth/revocations").text,
        }

    def _signed(
        self, claims: Mapping[str, Any], key: str | None = None, algorithm: str | None = None, **header: str
    ) -> str:
        headers = {"kid": self.key.kid, "typ": "at+jwt", **header}
        private = self.key.private_key if key is None else key
        return jwt.encode(dict(claims), private, algorithm or self.key.algorithm, headers=headers)
