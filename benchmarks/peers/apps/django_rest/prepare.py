"""Makes the tables and the accounts of the peer built on Django, which has no registration of its own.

    python prepare.py PASSWORD ADDRESS...

The accounts share one password and its hash, so that many are made in the time of one.
"""

import os
import sys

import django
from django.core.management import call_command


def main(password: str, *addresses: str) -> None:
    """Make what is missing."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    from django.contrib.auth import get_user_model
    from django.contrib.auth.hashers import make_password

    call_command("migrate", verbosity=0)
    user, hashed = get_user_model(), make_password(password)
    user.objects.bulk_create(user(username=address, email=address, password=hashed) for address in addresses)


if __name__ == "__main__":
    main(*sys.argv[1:])
