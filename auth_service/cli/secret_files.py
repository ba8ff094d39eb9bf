"""Looks at the folder of secret files before the settings are read from it: what is there, and that it can be read."""

import os
from pathlib import Path

from auth_service.settings import SECRETS_DIR


class SecretFilesError(Exception):
    """The folder or one of its files cannot be read; it says which, and why."""


def names_of_secret_files() -> list[str]:
    """Return the names of the files that settings may stand in, none without a folder. Raises SecretFilesError.

    A hidden name is none: a Secret that Kubernetes mounts has links of such names to its versions.
    """
    folder = os.environ.get(SECRETS_DIR)
    if not folder:
        return []
    try:
        files = [path for path in Path(folder).iterdir() if path.is_file() and not path.name.startswith(".")]
        for path in files:
            path.read_text(encoding="utf-8")
    except OSError as error:
        raise SecretFilesError(f"{SECRETS_DIR}: {error.filename} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SecretFilesError(f"{SECRETS_DIR}: {path} cannot be read: it is not text.") from None
    return sorted(path.name for path in files)
