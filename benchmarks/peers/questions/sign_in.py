"""How many people a second sign in, beside what the bare hash would allow."""

from functools import partial

from benchmarks.peers.bare_argon2 import NAME as BARE
from benchmarks.peers.bare_argon2 import measure_bare_rate
from benchmarks.peers.dialects import FASTAPI_USERS
from benchmarks.peers.field import Case, Field
from benchmarks.peers.load import Stream
from benchmarks.peers.notebook import Mode, Notebook
from benchmarks.peers.question import BOTH_MODES, EVERYBODY, SIGN_IN_SECONDS
from benchmarks.peers.requests import Door
from benchmarks.peers.sections import Section, rates_panel, ratio, throughput_table

_CONNECTIONS = (4, 16)
_SIGN_INS = "sign-ins"
_OF_THE_BARE_RATE, _TIMES_FASTAPI_USERS = 0.9, 6.0


class SignIn:
    """With the hash that each has by default."""

    name = "sign-in"
    contenders = EVERYBODY
    modes = BOTH_MODES

    def __init__(self) -> None:
        self._notebook = Notebook()

    def measure(self, field: Field) -> None:
        """As much as is answered, and in the same turns the bare hash on the server's cores."""
        load = field.load
        bare = partial(
            measure_bare_rate,
            field.server_cores,
            warm_up_seconds=load.warm_up_seconds,
            seconds=max(load.seconds, SIGN_IN_SECONDS),
        )
        cases = [
            Case(_case(count), {_SIGN_INS: Stream(Door.SIGN_IN, count)}, {BARE: bare}, SIGN_IN_SECONDS)
            for count in _CONNECTIONS
        ]
        field.take_turns(cases, self._notebook, self.contenders)

    def section(self) -> Section:
        """Return rates, and whether they are as near to the hash and as far ahead as they should be."""
        text = (
            "Sign-ins are spread over many accounts. This service counts attempts, in its database, as always; only "
            "its limits were raised. better-auth's limits were off. Each has the hash that it has by default: Argon2id "
            "of 19 MiB here, Argon2id of 64 MiB (fastapi-users), PBKDF2 (Django), scrypt (better-auth). The bare hash "
            "is that of this service, verified in one thread for each of the server's cores with nothing around it."
        )
        goals = {}
        for case in map(_case, _CONNECTIONS):
            share = ratio(self._notebook, Mode.PINNED, case, BARE)
            goals[f"{case}: at least {_OF_THE_BARE_RATE:.0%} of the bare hash ({share:.0%})"] = (
                share >= _OF_THE_BARE_RATE
            )
            times = ratio(self._notebook, Mode.PINNED, case, FASTAPI_USERS.name)
            goals[f"{case}: at least {_TIMES_FASTAPI_USERS:g} times {FASTAPI_USERS.name} ({times:.2f})"] = (
                times >= _TIMES_FASTAPI_USERS
            )
        panels = [rates_panel(self._notebook, _case(count), _case(count)) for count in _CONNECTIONS]
        return Section("Sign-in", [text, throughput_table(self._notebook)], panels, goals)


def _case(connections: int) -> str:
    return f"{connections} sign in"
