"""The interactive documentation; every asset comes from this service, so that it works with no network."""

import json
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Response

router = APIRouter(include_in_schema=False)

Asset = Literal["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"]
_MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
_PACKAGE = "fastapi-swagger"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'"
)
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>auth-service: the API</title>
<link rel="icon" href="docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_OPTIONS = {
    "url": "openapi.json",
    "dom_id": "#swagger-ui",
    "deepLinking": True,
    "displayRequestDuration": True,
    "tryItOutEnabled": True,
}


@router.get("/")
async def read_root() -> Response:
    """Lead whoever opens the bare address to the page."""
    return Response(status_code=307, headers={"Location": "docs"})


@router.get("/docs")
async def read_docs() -> Response:
    """Return the page."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/start.js")
async def read_start_script() -> Response:
    """Return the script that starts Swagger UI; inline scripts are not allowed by the page's policy."""
    return Response(f"window.ui = SwaggerUIBundle({json.dumps(_OPTIONS)});\n", media_type="text/javascript")


@router.get("/docs/assets/{name}")
async def read_asset(name: Asset) -> Response:
    """Return one of Swagger UI's files."""
    headers = {"Cache-Control": "public, max-age=3600"}
    return Response(_asset(name), media_type=_MEDIA_TYPES[Path(name).suffix], headers=headers)


@cache
def _asset(name: Asset) -> bytes:
    path = distribution(_PACKAGE).locate_file(f"fastapi_swagger/resources/{name}")
    return Path(str(path)).read_bytes()
