"""The routes of the service, as its OpenAPI document lists them."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from auth_service.app import create_app
from tests.support.settings import make_settings


def make_app() -> FastAPI:
    """Return an application that is never started: its routes are there before its database is."""
    return create_app(make_settings("sqlite:///never-connected.db"))


def documented_routes(app: FastAPI) -> dict[str, dict[str, Any]]:
    """Return every operation by "METHOD /path"."""
    return {
        f"{method.upper()} {path}": operation
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    }


def served_routes(app: FastAPI) -> set[str]:
    """Return everything that the application answers, documented or not, as "METHOD /path"."""
    return {
        f"{method} {route.path}"
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or {"?"}) - {"HEAD"}
    }
