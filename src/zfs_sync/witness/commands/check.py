# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""``check``: whether the settings are such that the witness would start with them."""

from argparse import Namespace
from typing import Any

from zfs_sync.witness.commands.exposure import exposed
from zfs_sync.witness.settings import load


def check(options: Namespace) -> dict[str, Any]:
    """Read the settings; they are in the answer, defaults too. Raises E_CONFIG with every fault."""
    settings = load(file=options.config)
    plain = exposed(settings)
    warning = " Keys travel readable: plain HTTP beyond loopback (allow_plain_http)." if plain else ""
    said = {"valid": True, "plain_http": plain, "settings": settings.model_dump(mode="json")}
    return {**said, "text": f"The settings are valid.{warning}"}
