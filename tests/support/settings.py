"""The settings that tests run the service with."""

import base64
import secrets

from auth_service.security.settings import MASTER_KEY_BYTES
from auth_service.settings import Settings

ISSUER = "http://127.0.0.1:8000"
CHEAP_HASHES = {"argon2_memory_kib": 8, "argon2_passes": 1, "bcrypt_cost": 4, "workers": 2}
NO_LIMITS = {
    "storage": "memory",
    "client_secrets_per_pair": 10_000,
    **dict.fromkeys(
        [
            "guesses_per_pair",
            "guesses_per_network",
            "guesses_per_account",
            "codes_per_account",
            "costly_per_account",
            "registrations_per_network",
            "mails_per_address",
            "mails_per_network",
        ],
        1_000_000,
    ),
}
NO_LIMITS_BY_VARIABLE = {f"AUTH_THROTTLE__{name.upper()}": str(limit) for name, limit in NO_LIMITS.items()}
CHEAPEST_SERVABLE_HASHES = {"argon2_memory_kib": 7_168, "argon2_passes": 1, "bcrypt_cost": 10, "workers": 2}


def new_master_key() -> str:
    return base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).decode()


def make_settings(database_url: str, **groups: dict[str, object]) -> Settings:
    """Return settings with password hashes that cost next to nothing; `groups` go over these."""
    defaults: dict[str, dict[str, object]] = {
        "database": {"url": database_url, "pool_size": 20, "connect_timeout": "PT20S"},  # machines that test are busy
        "security": {"master_keys": new_master_key()},
        "tokens": {"issuer": ISSUER, "key_refresh_interval": "PT1H"},  # nothing in the background of a test
        "hashing": dict(CHEAP_HASHES),
        "throttle": dict(NO_LIMITS),  # all tests come from one network
        "http": {"docs": True},
        "mail": {"poll_interval": "PT1H"},
    }
    return Settings.model_validate(
        {name: {**defaults.get(name, {}), **groups.get(name, {})} for name in {*defaults, *groups}}
    )
