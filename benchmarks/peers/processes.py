"""Processes that are measured: on which cores they start, what they use, how they end."""

import os
import subprocess
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.peers.errors import ServerNotReadyError

_START_SECONDS, _STOP_SECONDS, _POLL_SECONDS = 60.0, 20.0, 0.05
_REST_SECONDS, _LOOK_SECONDS, _TICKS_AT_REST = 30.0, 0.2, 1
_FORGET_THE_PEAK = "5"  # what /proc/PID/clear_refs takes for it: proc(5)


@contextmanager
def on_cores(cores: Collection[int]) -> Iterator[None]:
    """Let what is started inside the block run on these cores only, with all its threads and children."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def running_server(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], url: str, log: Path
) -> Iterator[int]:
    """Start a server, wait until `url` is answered (by whatever), yield its process and end it with the block.

    Raises ServerNotReadyError.
    """
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=folder, env={**own_environment(), **environment}, stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            _wait_until_answered(process, url, log)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def own_environment() -> dict[str, str]:
    """Return the variables of this process, without what would lead another Python to this one's packages."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def family_of(process: int) -> list[int]:
    """Return the process and its children, of which a master of workers has some."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(each for child in children for each in family_of(int(child)))]


def resident_kib(process: int) -> int:
    """Return the memory of the largest process of the family: that which answers, not its master."""
    return max(_status_kib(each, "VmRSS") for each in family_of(process))


def peak_kib(process: int) -> int:
    """Return the most that the largest process of the family had since `forget_peak`."""
    return max(_status_kib(each, "VmHWM") for each in family_of(process))


def forget_peak(process: int) -> None:
    """Let the peak begin anew at what is used now."""
    for each in family_of(process):
        Path(f"/proc/{each}/clear_refs").write_text(_FORGET_THE_PEAK)


def wait_until_at_rest(process: int) -> None:
    """Wait until the family has finished what it began: sign-ins whose caller is gone are hashed all the same.

    Otherwise they would slow down whoever shares the core and is measured next. Gives up after a while, silently.
    """
    deadline = time.monotonic() + _REST_SECONDS
    used = _processor_ticks(process)
    while time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        before, used = used, _processor_ticks(process)
        if used - before <= _TICKS_AT_REST:
            return


def _processor_ticks(process: int) -> int:
    """Return hundredths of a second: the fields utime and stime of proc(5), behind the name in parentheses."""
    stats = [Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split() for each in family_of(process)]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats)


def _status_kib(process: int, name: str) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def _wait_until_answered(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            httpx.get(url)
        except httpx.TransportError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerNotReadyError(f"{process.args!r}\n{log.read_text()}") from None
            time.sleep(_POLL_SECONDS)
        else:
            return
