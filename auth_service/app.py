"""Builds the application: FastAPI, its lifespan and its middleware."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from datetime import timedelta
from functools import partial

import structlog
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from auth_service.api import swagger_ui
from auth_service.api.access_log import log_request
from auth_service.api.middleware import Finished, HeadersMiddleware, LimitsMiddleware
from auth_service.api.openapi import install_openapi
from auth_service.api.problems import install_error_handlers
from auth_service.api.router import add_routes
from auth_service.errors import UnavailableError
from auth_service.monitoring.request_meter import RequestMeter
from auth_service.monitoring.telemetry_config import Telemetry, telemetry_of
from auth_service.settings import HttpSettings, Settings
from auth_service.version import VERSION
from auth_service.wiring.parts import Clock, utc_now
from auth_service.wiring.runtime import Runtime

log = structlog.get_logger()

_STAND_INS_EVERY = timedelta(minutes=10)
_FORGETTING_EVERY = timedelta(seconds=15)
_CLOCK_EVERY = timedelta(minutes=1)

_DESCRIPTION = """
The identity service: people sign in and get a token, administrators manage people, and other services verify the
tokens by themselves with the keys at `/.well-known/jwks.json`.

To try the calls: press **Authorize**, fill in username (an e-mail address will do) and password, leave the client
fields empty.
"""


def create_app(settings: Settings, *, clock: Clock = utc_now) -> FastAPI:
    """Return the application; it connects to the database when it starts, not before."""
    http = settings.http
    telemetry = telemetry_of(settings.tracing, trusted_hops=http.trusted_hops)
    app = FastAPI(
        title="auth-service",
        version=VERSION,
        description=_DESCRIPTION,
        lifespan=partial(_lifespan, settings=settings, clock=clock, telemetry=telemetry),
        openapi_url="/openapi.json" if http.docs else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=telemetry.config,
    )
    add_routes(app)
    if http.docs:
        app.include_router(swagger_ui.router)
    install_error_handlers(app)
    install_openapi(app)
    app.state.request_meter, app.state.metrics_servers = RequestMeter(), []
    told: list[Finished] = [app.state.request_meter.finished] if settings.metrics.port is not None else []
    if http.access_log:
        told.append(log_request)
    _add_middleware(app, http, told=told, https=settings.tokens.issuer.startswith("https://"))
    for middleware in telemetry.middleware:
        app.add_middleware(middleware)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI, *, settings: Settings, clock: Clock, telemetry: Telemetry) -> AsyncIterator[None]:
    """Hold what outlives requests, and do in the background what nobody asks for."""
    async with telemetry.sending, Runtime(settings, clock=clock) as runtime:
        app.state.runtime = runtime
        await runtime.load_keys()
        runtime.hurry()
        async with (
            _repeating(runtime.refresh_stand_ins, every=_STAND_INS_EVERY),
            _repeating(runtime.tend_keys, every=settings.tokens.key_refresh_interval),
            _repeating(runtime.forget_what_is_over, every=_FORGETTING_EVERY),
            _repeating(runtime.check_clock, every=_CLOCK_EVERY),
            _sending_mail(runtime),
        ):
            yield
            for server in app.state.metrics_servers:
                await server.close()


def turn_readiness_red(app: FastAPI) -> None:
    """Have load balancers send requests elsewhere, because `app` was told to stop; it goes on answering."""
    app.state.runtime.is_stopping = True


def let_waiters_go(app: FastAPI) -> None:
    """Answer whoever waits for news, because `app` is about to stop."""
    app.state.runtime.revocation_feed.release()


def serve_metrics(app: FastAPI, listeners: Sequence[socket.socket]) -> None:
    """Serve what `app` says of itself, from when it is ready until it has stopped; nothing without a listener."""
    for listener in listeners:
        from auth_service.monitoring.exporter import MetricsServer  # noqa: PLC0415 - for whom it serves

        app.state.metrics_servers.append(MetricsServer(app.state.runtime, app.state.request_meter, listener))


@asynccontextmanager
async def _repeating(work: Callable[[], Awaitable[None]], *, every: timedelta) -> AsyncIterator[None]:
    """Do `work` now and again and again in the background; when it fails it is tried next time."""

    async def repeat() -> None:
        while True:
            try:
                await work()
            except UnavailableError:
                log.info("background.postponed", work=work.__name__)
            except Exception:
                log.exception("background.failed", work=work.__name__)
            await asyncio.sleep(every.total_seconds())

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _sending_mail(runtime: Runtime) -> AbstractAsyncContextManager[None]:
    """Send what is queued, where there is mail; elsewhere templates and SMTP are not even loaded."""
    if not runtime.settings.mail.is_on:
        return nullcontext()
    from auth_service.wiring.mail import sending_mail  # noqa: PLC0415 - 2 MB for whom it serves

    return sending_mail(runtime)


def _add_middleware(app: FastAPI, http: HttpSettings, *, told: Sequence[Finished], https: bool) -> None:
    """Add the middleware, the innermost first."""
    app.add_middleware(LimitsMiddleware, max_body_bytes=http.max_body_bytes)
    if http.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(http.cors_origins),
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After", "WWW-Authenticate"],
            max_age=600,
        )
    app.add_middleware(HeadersMiddleware, https=https, told=told)
