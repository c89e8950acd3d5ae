# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Talking to zfs(8) and zpool(8): argument lists, parsers, capability detection, errors.

Nothing here goes through a shell, and nothing here knows of edges, jobs or peers.
"""
