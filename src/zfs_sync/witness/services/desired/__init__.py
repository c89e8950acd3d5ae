# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Desired state: a document is read, brought into canonical form, compared with what is stored, and applied at once.

``request`` reads, ``canonical`` normalises, ``compare`` decides what changes, ``rules`` judges the state that would
result, ``service`` is plan and apply, which differ in one line: whether the changes are written.
"""
