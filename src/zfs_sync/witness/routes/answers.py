# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Answers that are plain JSON already: FastAPI need not validate a second time what the witness itself made."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response


def answer(body: Mapping[str, Any]) -> Response:
    """A JSON answer; the state of desired state, where the body has it, is the ETag too."""
    headers = {"ETag": str(body["state"])} if "state" in body else None
    return JSONResponse(body, headers=headers)
