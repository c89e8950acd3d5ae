# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: each measures a way of ours and a baseline side by side, on real parts. ``make bench`` runs them."""
