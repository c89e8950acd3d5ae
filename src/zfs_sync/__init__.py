# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""ZFS Sync: infrastructure as code for fleets of ZFS hosts."""

__version__ = "0.1.0"
