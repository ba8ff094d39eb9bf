"""Entry point of `auth-service` and of `python -m auth_service`."""

from auth_service.cli.main import app


def main() -> None:
    """Run the command line."""
    app(prog_name="auth-service")


if __name__ == "__main__":
    main()
