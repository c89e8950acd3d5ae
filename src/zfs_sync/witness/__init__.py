# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The witness: keeps desired and observed state, plans, queues, records. It never runs zfs and sends no shell text."""
