# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Pure domain logic: names, snapshot graph, planner, edges, errors. No I/O and no framework."""
