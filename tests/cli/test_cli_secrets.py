"""No secret in anything that a serving process writes: output, files, tables, metrics, answers to others."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from sqlalchemy import make_url

from tests.support.commands import Operator, Program
from tests.support.database_faults import execute, stored, unusable
from tests.support.hostile_calls import (
    send_broken_bodies,
    send_foreign_credentials,
    send_refused_passwords,
    send_wrong_sign_ins,
)
from tests.support.leaks import Caller, Secrets
from tests.support.metrics import scrape
from tests.support.ports import free_port
from tests.support.secret_life import SIGN_IN, administer, begin_life, mailed_token, protect
from tests.support.smtp import Mailbox, running_mailbox

WITH_ADDRESSES = {"users", "user_search_terms", "pending_registrations", "single_use_tokens"}


def configure(operator: Operator, secrets: Secrets, mailbox: Mailbox, database_url: str) -> str:
    """Plant a secret in every setting that is one; return the URL of the database."""
    url = make_url(database_url)
    if not database_url.startswith("sqlite"):
        url = url.set(password=secrets.plant("password of the database"))
    variables = {f"AUTH_MAIL__{name.upper()}": str(value) for name, value in mailbox.settings.items()}
    secrets.keep("master key", operator.environment["AUTH_SECURITY__MASTER_KEYS"])
    operator.environment.update(
        variables,
        AUTH_DATABASE__URL=url.render_as_string(hide_password=False),
        AUTH_DATABASE__CONNECT_TIMEOUT="PT2S",
        AUTH_THROTTLE__STORAGE=f"valkey://:{secrets.plant('password of the throttle')}@127.0.0.1:1/0",
        AUTH_THROTTLE__GUESSES_PER_PAIR="30",
        AUTH_THROTTLE__GUESSES_PER_ACCOUNT="200",
        AUTH_THROTTLE__MAILS_PER_ADDRESS="100",
        AUTH_METRICS__PORT=str(free_port()),
        AUTH_HTTP__ACCESS_LOG="true",
        AUTH_MAIL__RETRY_AFTER="PT0.1S",
        AUTH_MAIL__POLL_INTERVAL="PT0.2S",
    )
    return operator.environment["AUTH_DATABASE__URL"]


class Serving:
    """A `serve`, and everything that it writes."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._written = [program.ready("service.ready")]
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def stop(self) -> str:
        """Return all of it."""
        self._program.process.send_signal(signal.SIGTERM)
        self._reader.join()
        stdout = self._program.process.stdout
        return "".join(self._written) + (stdout.read() if stdout else "")

    def _read(self) -> None:
        for line in self._program.process.stderr or ():
            self._written.append(line)


@contextmanager
def serving(operator: Operator, secrets: Secrets) -> Iterator[tuple[Serving, Caller]]:
    port = free_port()
    with (
        operator.start("serve", "--port", str(port)) as program,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        yield Serving(program), Caller(client, secrets)


def come_too_late(caller: Caller, mailbox: Mailbox, address: str, database_url: str) -> None:
    """Use a one-time token that has expired."""
    caller.send("POST", "/password-recoveries", 202, json={"email": address})
    proof = {"token": mailed_token(caller, mailbox, address, "reset-password")}
    asyncio.run(execute(database_url, "UPDATE single_use_tokens SET expires_at = created_at"))
    proof["new_password"] = caller.secrets.plant("new password, too late")
    caller.send("POST", "/password-recoveries/confirm", 403, json=proof)


def refuse_mail(caller: Caller, mailbox: Mailbox) -> None:
    """Let the server of the recipient say what it thinks, with the address and more in it."""
    for stage, code in (("DATA", "451 4.7.1"), ("DATA", "554 5.6.0"), ("RCPT", "550 5.1.1"), ("RCPT", "451 4.7.1")):
        address = caller.secrets.plant_address("refused")
        words = f"{code} no <{address}> here, {caller.secrets.plant('words of the server')}"
        mailbox.fail_next("DATA" if stage == "DATA" else "RCPT", words)
        caller.send("POST", "/users", 201, json={"email": address, "password": caller.secrets.plant("password")})
        mailbox.wait_until(lambda: not mailbox.faults_left)


def guess_until_refused(caller: Caller) -> None:
    form = {**SIGN_IN, "username": caller.secrets.plant("guessed name"), "password": caller.secrets.plant("guess")}
    statuses = {caller.send("POST", "/oauth/token", 400, 429, data=form).status_code for _ in range(31)}
    assert statuses == {400, 429}


def fail_inside(caller: Caller, database_url: str) -> None:
    """Make new accounts a fault of ours: the database's complaint has the whole row in it, where it can."""
    statement = (
        "CREATE TRIGGER broken BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'broken'); END"
        if database_url.startswith("sqlite")
        else "ALTER TABLE users ADD CONSTRAINT broken CHECK (hashed_password IS NULL) NOT VALID"
    )
    asyncio.run(execute(database_url, statement))
    body = {"email": caller.secrets.plant_address("fault"), "password": caller.secrets.plant("password")}
    caller.send("POST", f"/users?token={caller.secrets.plant('query')}", 500, json=body)


def fail_for_want_of_a_database(caller: Caller, database_url: str, token: str) -> None:
    """Ask for everything that has a secret in it while nobody can write."""
    plant = caller.secrets.plant
    form = {**SIGN_IN, "username": caller.secrets.plant_address("outage"), "password": plant("password")}
    with unusable(database_url):
        caller.send("POST", f"/password-recoveries?token={plant('query')}", 503, json={"email": form["username"]})
        if not database_url.startswith("sqlite"):  # there each of them waits five seconds for the lock
            caller.send("POST", f"/oauth/token?password={plant('query')}", 503, data=form)
            caller.send("GET", f"/users/me?token={plant('query')}", 503, token=token)


def files_of(folder: Path) -> str:
    """Return the names and the content of everything in the folder that the process works in."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return "\n".join(f"{path}\n{path.read_bytes().decode('latin-1')}" for path in files)


def test_no_secret_is_in_anything_that_the_service_writes(operator: Operator, migrated_database: str) -> None:
    secrets = Secrets()
    login = ("auth", secrets.plant("password of the mail server"))
    with running_mailbox(login=login) as mailbox:
        url = configure(operator, secrets, mailbox, migrated_database)
        administrator, password = secrets.plant_address("administrator"), secrets.plant("administrator's password")
        made = operator.run("create-admin", "--email", administrator, "--password-stdin", stdin=f"{password}\n")
        with serving(operator, secrets) as (service, caller):
            address, current = begin_life(caller, mailbox)
            token = protect(caller, address, current)
            client = administer(caller, administrator, password)
            come_too_late(caller, mailbox, administrator, url)
            send_broken_bodies(caller)
            send_foreign_credentials(caller, token)
            send_wrong_sign_ins(caller, address, client)
            send_refused_passwords(caller, token, current)
            refuse_mail(caller, mailbox)
            guess_until_refused(caller)
            caller.send("POST", "/users/me/deactivate", 204, token=token, json={"current_password": current})
            fail_inside(caller, url)
            fail_for_want_of_a_database(caller, url, token)
            metrics = scrape(int(operator.environment["AUTH_METRICS__PORT"])).text
            log = service.stop()

    tables = asyncio.run(stored(url))
    assert {table: found for table in tables if (found := secrets.found_in(tables[table]))} == {}
    assert secrets.found_in(metrics) == set()
    assert secrets.addresses_in(metrics) == set()
    assert secrets.found_in(log + made.stderr + files_of(operator.folder)) == set()
    assert caller.leaks_in_answers() == []
    assert secrets.addresses_in(log) == set()
    assert {table for table in tables if secrets.addresses_in(tables[table])} <= WITH_ADDRESSES
    events = {part.partition('"')[0] for part in log.split('"event": "')}
    assert events >= {
        "request.failed",
        "request.unavailable",
        "mail.given_up",
        "throttle.store_away",
        "request.finished",
    }
