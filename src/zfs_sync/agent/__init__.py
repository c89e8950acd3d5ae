# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The agent: one per ZFS host. It reports, claims jobs, runs them, guards the gate and installs itself.

This file stays empty of imports: the gate, which sshd starts for each connection of a peer, passes through it.
"""
