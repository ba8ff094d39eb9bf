"""What a client knows of its own writes: on disk, and synced, before the client goes on."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self, TextIO


class Kind(StrEnum):
    """What was written."""

    ITEM = "item created"
    PRICE = "item updated"
    ACCOUNT = "registration"
    SESSION = "refresh"


@dataclass(frozen=True, slots=True)
class Entry:
    """One write: `key` names it before the service does (a title, an address), `value` is what came of it.

    - ITEM: the title, and the id of the item.
    - PRICE: the id of the item, and the number that it was set to.
    - ACCOUNT: the address, and the id of the user.
    - SESSION: the id of the session, and the digest of the refresh token that was given out for it.

    Of an outcome that is unknown the value is what was sent: a number, the digest of the token that was presented.
    """

    kind: Kind
    key: str
    value: str = ""


class Ledger:
    """Two append-only files of one client: what was acknowledged, and apart from it what ended unknown."""

    def __init__(self, folder: Path, client: str) -> None:
        self._acknowledged = (folder / f"{client}.acknowledged").open("a", encoding="utf-8")
        self._unknown = (folder / f"{client}.unknown").open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._acknowledged.close()
        self._unknown.close()

    def acknowledge(self, entry: Entry) -> None:
        """Keep a write that the service has promised."""
        _append(self._acknowledged, entry)

    def leave_open(self, entry: Entry) -> None:
        """Keep a write of which the client cannot know whether it was done."""
        _append(self._unknown, entry)


def read_acknowledged(folder: Path) -> list[Entry]:
    """Return what all clients were promised, each client's in its order."""
    return [entry for path in sorted(folder.glob("*.acknowledged")) for entry in _read(path)]


def read_unknown(folder: Path) -> list[Entry]:
    """Return the writes whose outcome no client knows."""
    return [entry for path in sorted(folder.glob("*.unknown")) for entry in _read(path)]


def _append(file: TextIO, entry: Entry) -> None:
    file.write(json.dumps(asdict(entry)) + "\n")
    file.flush()
    os.fsync(file.fileno())


def _read(path: Path) -> Iterator[Entry]:
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = json.loads(line)
        yield Entry(Kind(fields["kind"]), fields["key"], fields["value"])
