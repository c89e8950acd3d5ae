# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The wire: requests, responses and typed job steps as frozen dataclasses.

The witness gives them to FastAPI, the agent structures them itself (``zfs_sync.api.structure``), and ``schemas/`` and
the OpenAPI document are exported from them. No compiled package is needed to import them.
"""

PROTOCOL = 2
"""The version of what agent and witness say to each other. A witness serves the current one and the one before."""
