"""What an operator may say about secrets at rest and about password hashes."""

import base64
import os
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

MASTER_KEY_BYTES = 32


def parse_master_key(text: str) -> bytes:
    """Decode a master key: base64 (either alphabet) of 32 bytes. Raises ValueError."""
    digits = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        key = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except ValueError:
        raise ValueError("a master key is base64, and this one is not") from None
    if len(key) != MASTER_KEY_BYTES:
        message = f"a master key is {MASTER_KEY_BYTES} bytes in base64, this one has {len(key)}"
        raise ValueError(message)
    if len(set(key)) < MASTER_KEY_BYTES // 4:
        raise ValueError("this master key is not random")
    return key


class SecuritySettings(BaseModel):
    """`AUTH_SECURITY__*`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    master_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        description=(
            "Keys that everything secret at rest is encrypted with, separated by commas: the first one encrypts, all "
            "decrypt. Make one with: openssl rand -base64 32"
        ),
        examples=["<the output of: openssl rand -base64 32>"],
    )

    @field_validator("master_keys", mode="before")
    @classmethod
    def _split(cls, keys: object) -> object:
        return tuple(key for key in keys.replace(",", " ").split() if key) if isinstance(keys, str) else keys

    @field_validator("master_keys")
    @classmethod
    def _strong(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not keys:
            raise ValueError("at least one master key is needed")
        for key in keys:
            parse_master_key(key.get_secret_value())
        return keys


class HashScheme(StrEnum):
    """What new password hashes are made with; hashes of the other schemes still verify and are replaced."""

    ARGON2 = "argon2"
    BCRYPT = "bcrypt"


class HashingSettings(BaseModel):
    """`AUTH_HASHING__*`. The defaults are OWASP's parameters for Argon2id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scheme: HashScheme = Field(
        default=HashScheme.ARGON2, description="What new password hashes are made with.", examples=["argon2"]
    )
    argon2_memory_kib: int = Field(
        default=19_456, ge=8, le=1_048_576, description="Argon2id: memory per hash, in KiB.", examples=[19_456]
    )
    argon2_passes: int = Field(default=2, ge=1, le=20, description="Argon2id: passes over it.", examples=[2])
    bcrypt_cost: int = Field(default=12, ge=4, le=18, description="bcrypt: log2 of its rounds.", examples=[12])
    workers: int = Field(
        default_factory=lambda: (
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        ),
        ge=1,
        le=256,
        description="Hashes computed at once; the default is one per core.",
        examples=[2],
    )
    queue: int = Field(
        default=256,
        ge=0,
        description="Hashes that may wait for a worker; beyond that the answer is 503.",
        examples=[256],
    )
