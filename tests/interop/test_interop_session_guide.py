"""The guide to sessions: its commands, run one after the other as they are printed."""

import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.support.programs import find_program
from tests.support.serving import serving

pytestmark = pytest.mark.interop

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "sessions.md"


def test_the_commands_of_the_guide_work(tmp_path: Path) -> None:
    find_program("curl")
    commands = "\n".join(re.findall(r"^```bash\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL))
    with serving(tmp_path) as server:
        ann = {"email": "ann@example.com", "password": "correct horse battery"}
        httpx.post(f"{server.url}/users", json=ann).raise_for_status()
        script = commands.replace("http://127.0.0.1:8000", server.url) + '\necho; echo "$ACCESS"'

        done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True)
        access = done.stdout.splitlines()[-1]
        after = httpx.get(f"{server.url}/users/me", headers={"Authorization": f"Bearer {access}"})

    assert (done.stderr, after.status_code) == ("", 401)
    assert '"is_current":true' in done.stdout
