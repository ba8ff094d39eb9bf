"""How many passwords a second the bare hash verifies, without any service around it: one thread a core.

python -m benchmarks.peers.bare_argon2 MEMORY_KIB PASSES WARM_UP_SECONDS SECONDS
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from argon2.low_level import Type, hash_secret, verify_secret

from auth_service.security.settings import HashingSettings
from benchmarks.peers.load import Figures
from benchmarks.peers.processes import on_cores
from tests.support.commands import ROOT

NAME = "bare Argon2id"


def measure_bare_rate(cores: Collection[int], *, warm_up_seconds: float, seconds: float) -> Mapping[str, Figures]:
    """Return the rate on these cores, of the parameters that this service has by default."""
    settings = HashingSettings()
    numbers = [settings.argon2_memory_kib, settings.argon2_passes, warm_up_seconds, seconds]
    with on_cores(cores):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.peers.bare_argon2", *map(str, numbers)],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
    return {NAME: Figures(json.loads(done.stdout))}


def main(memory_kib: str, passes: str, warm_up_seconds: str, seconds: str) -> None:
    """Verify on all cores that this process may use; print the verifications a second."""
    password = b"correct horse battery staple"
    stored = hash_secret(password, os.urandom(16), int(passes), int(memory_kib), 1, 32, Type.ID)
    began = time.monotonic() + float(warm_up_seconds)
    until = began + float(seconds)

    def verify(_thread: int) -> int:
        verified = 0
        while (now := time.monotonic()) < until:
            verify_secret(stored, password, Type.ID)
            verified += now >= began
        return verified

    threads = len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(threads) as pool:
        verified = sum(pool.map(verify, range(threads)))
    print(json.dumps(verified / (time.monotonic() - began)))


if __name__ == "__main__":
    main(*sys.argv[1:])
