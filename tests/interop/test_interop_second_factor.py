"""The guide for front ends: its commands, as they are printed, against a running server."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from auth_service.cli.dev import ADMIN_EMAIL
from tests.support.commands import ROOT
from tests.support.programs import find_program
from tests.support.second_factor import code_of
from tests.support.serving import serving

pytestmark = pytest.mark.interop

GUIDE = (ROOT / "docs" / "guides" / "second-factor.md").read_text(encoding="utf-8")
COMMANDS = dict(re.findall(r"^```bash title=(\S+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL))


def _run(title: str, variables: Mapping[str, str]) -> dict[str, Any]:
    environment = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run(["sh", "-c", COMMANDS[title]], env=environment, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_commands_of_the_guide_lead_to_a_sign_in_with_two_factors(tmp_path: Path) -> None:
    find_program("curl")
    with serving(tmp_path) as server:
        token = server.sign_in()
        headers = {"Authorization": f"Bearer {token}"}
        httpx.patch(f"{server.url}/users/me", json={"email_verified": True}, headers=headers).raise_for_status()
        password = json.loads((tmp_path / "var" / "dev.json").read_text())["admin_password"]
        known = {"API": server.url, "TOKEN": token, "NAME": ADMIN_EMAIL, "PASSWORD": password}

        secret = _run("enrol", known)["secret"]
        codes = _run("confirm", {**known, "CODE": code_of(secret)})["recovery_codes"]
        begun = _run("begin", known)
        finished = _run("finish", {**known, "MFA_TOKEN": begun["mfa_token"], "CODE": code_of(secret, steps=1)})

    assert set(COMMANDS) == {"enrol", "confirm", "begin", "finish"}
    assert (len(codes), begun["error"], finished["token_type"]) == (10, "mfa_required", "Bearer")
