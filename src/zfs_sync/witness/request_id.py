# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The id of the request at hand, for logs, problems and the audit, across the threads that work on it."""

from contextvars import ContextVar

current: ContextVar[str | None] = ContextVar("zfs_sync_request_id", default=None)
