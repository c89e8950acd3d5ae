# -*- coding: utf-8 -*-
# Copyright: (c) 2026, The ZFS Sync authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Desired state: one request to plan or apply, whose answer is the result. Private: no stable interface.

The witness compares, not the module; so check mode, diff and changed are its answer and cannot disagree with the run.
"""

from __future__ import annotations

from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessError

DEFAULT_OWNER = "ansible/default"
KIND_KEYS = {"system": "systems", "sync_group": "sync_groups"}


def object_options(fields):
    """The options that systems and sync groups share; ``fields`` are those of the object itself."""
    return dict(
        name={"type": "str", "required": True},
        state={"type": "str", "choices": ["present", "absent"], "default": "present"},
        reset={"type": "list", "elements": "str", "choices": sorted(fields), "default": []},
        owner={"type": "str", "default": DEFAULT_OWNER},
        adopt={"type": "bool", "default": False},
        create_only={"type": "bool", "default": False},
        **fields,
    )


def ensure_object(module, client, kind, fields):
    """Bring one object to its declared state and give the module's result."""
    request = object_request(module.params, kind, fields)
    answer = converge(client, request, check_mode=module.check_mode)
    result = result_of(module, answer)
    result["change"] = answer["changes"][0]
    return result


def object_request(params, kind, fields):
    """The body of plan and apply for one object."""
    document = {"version": 1, "owner": params["owner"]}
    request = {"fleet": document, "adopt": params["adopt"], "create_only": params["create_only"]}
    if params["state"] == "absent":
        request["delete"] = {KIND_KEYS[kind]: [params["name"]]}
    else:
        document[KIND_KEYS[kind]] = {params["name"]: declared(params, fields)}
    return request


def declared(params, fields):
    """What the task declares: options that were given, and null for what it puts back to the default."""
    both = sorted(name for name in params["reset"] if params[name] is not None)
    if both:
        raise WitnessError(
            "E_VALIDATION",
            "declared and reset at the same time: %s" % ", ".join(both),
            "Leave the option out, or take it out of reset.",
        )
    given = {name: without_none(params[name]) for name in fields if params[name] is not None}
    return dict(given, **dict.fromkeys(params["reset"]))


def without_none(value):
    """The value without the suboptions that were not given."""
    if isinstance(value, dict):
        return {key: without_none(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_none(each) for each in value]
    return value


def converge(client, request, check_mode, if_match=None):
    """Plan in check mode, else apply. Raises WitnessError."""
    if not check_mode:
        headers = {"If-Match": if_match} if if_match else None
        return client.post("/api/v1/fleet/apply", request, headers=headers)
    answer = client.post("/api/v1/fleet/plan", request, repeatable=True)
    if if_match and answer["state"] != if_match:
        raise WitnessError(
            "E_STATE_CHANGED",
            "desired state is %s, not %s as it was planned" % (answer["state"], if_match),
            "Plan again, look at it, and apply with the new tag.",
            status=412,
        )
    return answer


def result_of(module, answer):
    """The module's result for an answer of plan or apply; the witness's warnings become Ansible's."""
    for each in answer["warnings"]:
        module.warn("%s %s: %s" % (each["code"], each["pointer"], each["message"]))
    moved = [each for each in answer["changes"] if each["action"] != "unchanged"]
    return {"changed": bool(moved), "diff": [_difference(each) for each in moved], "etag": answer["state"]}


def concise(change):
    """A change without the object where it stays as it is: of a large fleet Ansible would carry all of it twice."""
    if change["action"] != "unchanged":
        return change
    return {name: change[name] for name in ("kind", "name", "action", "fields")}


def _difference(change):
    title = "%s %s" % (change["kind"].replace("_", " "), change["name"])
    return {
        "before_header": title + (" (absent)" if change["before"] is None else ""),
        "after_header": title + (" (absent)" if change["after"] is None else ""),
        "before": change["before"] if change["before"] is not None else "",
        "after": change["after"] if change["after"] is not None else "",
    }
