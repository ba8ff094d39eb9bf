"""`serve`: the service for real, on strict settings."""

import asyncio

import structlog

from auth_service.app import create_app, let_waiters_go
from auth_service.cli.configuration import load_strict_settings
from auth_service.cli.failures import failing_clearly
from auth_service.cli.logs import configure_logs
from auth_service.cli.mail_check import check_templates
from auth_service.cli.server import bind, run
from auth_service.settings import Settings
from auth_service.wiring.runtime import Runtime


def run_serve(*, host: str, port: int) -> None:
    """Check everything that can be checked before the first request, then serve."""
    with failing_clearly():
        settings = load_strict_settings()
        if settings.mail.is_on:
            check_templates(settings)
    with bind(host, port) as listener:
        with failing_clearly():
            asyncio.run(_check(settings))
        configure_logs(as_json=True)
        log = structlog.get_logger()
        app = create_app(settings)
        run(
            app,
            listener,
            when_ready=lambda: log.info("service.ready", host=host, port=port, issuer=settings.tokens.issuer),
            when_stopping=lambda: let_waiters_go(app),
            access_log=False,
        )


async def _check(settings: Settings) -> None:
    """Find out now, in one line, what would otherwise be a traceback in the middle of the start."""
    async with Runtime(settings) as runtime:
        await runtime.check_readiness()
        await runtime.load_keys()
