# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The collection that ships, built once, and hosts to use it on."""

import pytest

from tests.integration.collection.controller import build_collection


@pytest.fixture(scope="session")
def collection() -> None:
    build_collection()
