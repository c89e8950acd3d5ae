# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The commands of zfs-sync-witness, a module each, imported when they run."""
