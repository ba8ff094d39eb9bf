"""`export-openapi`: the API document, without a database or a setting."""

import base64
import json
import secrets
from pathlib import Path

import typer

from auth_service.app import create_app
from auth_service.cli.failures import MISCONFIGURED, fail
from auth_service.security.settings import MASTER_KEY_BYTES, SecuritySettings
from auth_service.settings import HttpSettings, Settings
from auth_service.tokens.settings import TokenSettings


def run_export_openapi(output: str) -> None:
    """Write the document to a file or to standard output."""
    document = json.dumps(build_openapi(), indent=2) + "\n"
    if output == "-":
        typer.echo(document, nl=False)
    else:
        try:
            Path(output).write_text(document, encoding="utf-8")
        except OSError as error:
            raise fail(f"cannot write {output}: {error.strerror}", code=MISCONFIGURED) from None


def build_openapi() -> dict[str, object]:
    """Return the document; the settings that it needs none of are made up."""
    key = base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).decode()
    settings = Settings(
        security=SecuritySettings.model_validate({"master_keys": key}),
        tokens=TokenSettings(issuer="https://auth.example.com"),
        http=HttpSettings(docs=True),
    )
    return create_app(settings).openapi()
