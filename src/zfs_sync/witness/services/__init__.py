# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the witness does, apart from HTTP: each service works on a connection inside the caller's transaction."""
