# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The API's own reference in a browser, from files in the package: it works without the internet."""

from pathlib import Path

from fastapi import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response

from zfs_sync.core.errors import ZfsSyncError
from zfs_sync.witness.auth import open_to_all
from zfs_sync.witness.openapi import document
from zfs_sync.witness.routing import PREFIX, new_router

STATIC = Path(__file__).parent.parent / "web" / "static"
_FILES = {
    "docs.js": "text/javascript",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>ZFS Sync witness API</title>
<link rel="stylesheet" href="/static/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/static/swagger-ui-bundle.js"></script>
<script src="/static/docs.js"></script>
</body>
</html>
"""

router = new_router("docs", prefix="")


@router.get("/docs", dependencies=[open_to_all], include_in_schema=False)
async def docs() -> Response:
    """The reference of this API, for a browser."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/static/{name}", dependencies=[open_to_all], include_in_schema=False)
async def static(name: str) -> Response:
    """A file of that page."""
    if name not in _FILES:
        raise ZfsSyncError("E_ROUTE_NOT_FOUND", f"There is no file {ascii(name)[:80]} here.")
    return FileResponse(STATIC / name, media_type=_FILES[name], headers={"Cache-Control": "public, max-age=3600"})


@router.get(PREFIX + "/openapi.json", dependencies=[open_to_all], include_in_schema=False)
def openapi(request: Request) -> Response:
    """The OpenAPI document."""
    return JSONResponse(document(request.app.routes))
