# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The tarball that ships: what is in it, and what ansible-test says of it."""
