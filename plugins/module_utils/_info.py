# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at what the witness has, and changing nothing. Private to this collection: no stable interface."""

from __future__ import annotations

import itertools

from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessError, segment

PAGE = 500


def given(params, names):
    """The options of these names that were given: what the route filters by."""
    return {name: params[name] for name in names if params[name] is not None}


def one(client, route, name, absent):
    """The object of this name in a list; an empty one where the witness answers with the code ``absent``."""
    try:
        return [client.get("%s/%s" % (route, segment(name)))]
    except WitnessError as error:
        if error.code != absent:
            raise
        return []


def objects(client, route, name, absent):
    """All objects of a route by name, or the one of this name."""
    return list(client.pages(route)) if name is None else one(client, route, name, absent)


def first(client, route, query, limit):
    """The first ``limit`` entries of a list; all of them where there is no limit."""
    if limit is not None and limit < 1:
        raise WitnessError("E_VALIDATION", "limit is %d" % limit, "Give a number from 1 on, or leave it out.")
    return list(itertools.islice(client.pages(route, query, min(limit or PAGE, PAGE)), limit))
