# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The HTTP client of the witness: authentication, retries, and errors of the catalogue."""
