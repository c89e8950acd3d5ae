# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Executing one job: check against the pool in front of us, pump a send into a receive, verify by GUID.

Success is a state of the target, never an exit status. Nothing here destroys anything.
"""
