# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The reference pages that are made from the code, a module each."""

from collections.abc import Callable, Mapping

from reference_pages import api, commands, configuration, doctor, fleet_document, metrics, modules, playbooks, roles

PAGES: Mapping[str, Callable[[], str]] = {
    "api.md": api.page,
    "commands.md": commands.page,
    "configuration.md": configuration.page,
    "doctor.md": doctor.page,
    "fleet-document.md": fleet_document.page,
    "metrics.md": metrics.page,
    "modules.md": modules.page,
    "playbooks.md": playbooks.page,
    "roles.md": roles.page,
}
"""The name of each page and what makes its text."""
