# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``openapi``: the document that /api/v1/openapi.json serves, without serving."""

import json
from argparse import Namespace

from zfs_sync.witness.openapi import document
from zfs_sync.witness.routes import ROUTERS


def openapi(_options: Namespace) -> None:
    """Print the document."""
    print(json.dumps(document([route for router in ROUTERS for route in router.routes]), indent=2, sort_keys=True))
