"""How many people can still sign in while others read as much as is answered."""

from collections.abc import Sequence

from benchmarks.installation import table
from benchmarks.peers.dialects import OURS
from benchmarks.peers.field import Case, Field
from benchmarks.peers.load import Stream
from benchmarks.peers.notebook import Mode, Notebook, per_second
from benchmarks.peers.question import BOTH_MODES, EVERYBODY, SIGN_IN_SECONDS
from benchmarks.peers.requests import Door
from benchmarks.peers.sections import Panel, Section

_ALONE, _TOGETHER = "sign-ins alone", "sign-ins with 16 readers"
_READS, _SIGN_INS = "reads", "sign-ins"
_CASES = (_ALONE, _TOGETHER)
_GOAL = 1 / 3


class ReadsAndSignIn:
    """16 connections that sign in, without and with 16 that read `GET /users/me` without pause."""

    name = "reads-and-sign-in"
    contenders = EVERYBODY
    modes = BOTH_MODES

    def __init__(self) -> None:
        self._notebook = Notebook()

    def measure(self, field: Field) -> None:
        """Both in the same turns."""
        sign_ins = {_SIGN_INS: Stream(Door.SIGN_IN)}
        both = {**sign_ins, _READS: Stream(Door.ME)}
        cases = [Case(each, sign_ins if each == _ALONE else both, least_seconds=SIGN_IN_SECONDS) for each in _CASES]
        field.take_turns(cases, self._notebook, self.contenders)

    def section(self) -> Section:
        """Return the rates, and whether sign-ins keep what they should."""
        text = [
            "16 connections sign in, without and with 16 more that read `GET /users/me`, all of them without pause."
        ]
        share = self._kept(Mode.PINNED, OURS.name)
        goals = {f"sign-ins keep at least a third of their rate beside readers ({share:.0%})": share >= _GOAL}
        return Section("Sign-ins while others read", [*text, self._table()], self._panels(), goals)

    def _rate(self, mode: Mode, case: str, who: str, stream: str) -> float:
        return self._notebook.median(mode, case, who, per_second, stream=stream)

    def _kept(self, mode: Mode, who: str) -> float:
        return self._rate(mode, _TOGETHER, who, _SIGN_INS) / self._rate(mode, _ALONE, who, _SIGN_INS)

    def _table(self) -> str:
        rows: list[Sequence[object]] = []
        for mode in self._notebook.modes():
            for who in self._notebook.who(mode, _TOGETHER):
                rates = [f"{self._rate(mode, case, who, _SIGN_INS):.1f}" for case in (_ALONE, _TOGETHER)]
                reads = f"{self._rate(mode, _TOGETHER, who, _READS):,.0f}"
                rows.append((who, mode, *rates, f"{self._kept(mode, who):.0%}", reads))
        headings = ["who", "mode", "sign-ins a second", "beside readers", "kept", "reads a second beside them"]
        return table(headings, rows)

    def _panels(self) -> list[Panel]:
        mode = next(iter(self._notebook.modes()))
        who = self._notebook.who(mode, _TOGETHER)
        beside = {each: self._rate(mode, _TOGETHER, each, _SIGN_INS) for each in who}
        reads = {each: self._rate(mode, _TOGETHER, each, _READS) for each in who}
        return [
            Panel(f"sign-ins beside 16 readers ({mode})", "a second", beside),
            Panel("reads beside them", "a second", reads),
        ]
