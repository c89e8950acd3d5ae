# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Putting the agent in place, idempotently: what front ends and people with a shell both call.

Every part of the installation is a resource that says what would change and can make it so. Check mode asks the first
question only, so it predicts exactly what the run does.
"""
