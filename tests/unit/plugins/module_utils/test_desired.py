# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task declares, as the request says it, and what the answer becomes."""

from __future__ import annotations

import pytest
from ansible_collections.zfs_sync.fleet.plugins.module_utils import _desired
from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessError
from ansible_collections.zfs_sync.fleet.plugins.modules import zfs_sync_fleet

FIELDS = ("description", "ssh", "members")


def params(**given):
    base = {"name": "nas1", "state": "present", "owner": "ansible/site", "adopt": False, "create_only": False}
    return {**base, "reset": [], **dict.fromkeys(FIELDS), **given}


def test_what_is_not_given_is_not_in_the_request():
    request = _desired.object_request(params(ssh={"host": "h", "user": None, "port": None}), "system", FIELDS)
    assert request["fleet"] == {
        "version": 1,
        "owner": "ansible/site",
        "systems": {"nas1": {"ssh": {"host": "h"}}},
    }


def test_members_lose_what_is_not_given():
    members = [{"system": "a", "from": None}]
    request = _desired.object_request(params(members=members), "sync_group", FIELDS)
    assert request["fleet"]["sync_groups"]["nas1"] == {"members": [{"system": "a"}]}


def test_reset_sends_null():
    request = _desired.object_request(params(description="", reset=["ssh"]), "system", FIELDS)
    assert request["fleet"]["systems"]["nas1"] == {"description": "", "ssh": None}


def test_to_declare_and_reset_a_field_is_a_contradiction():
    with pytest.raises(WitnessError) as caught:
        _desired.object_request(params(description="x", reset=["description"]), "system", FIELDS)
    assert "description" in caught.value.message


def test_absent_deletes_by_name_and_declares_nothing():
    request = _desired.object_request(params(state="absent", description="x"), "sync_group", FIELDS)
    assert request["delete"] == {"sync_groups": ["nas1"]}
    assert request["fleet"] == {"version": 1, "owner": "ansible/site"}


class Client:
    def __init__(self, state='"1"'):
        self.calls = []
        self.state = state

    def post(self, path, body, headers=None, repeatable=False):
        self.calls.append((path, headers, repeatable))
        return {"state": self.state}


def test_check_mode_asks_the_plan_route_and_a_run_applies():
    client = Client()
    _desired.converge(client, {}, check_mode=True)
    _desired.converge(client, {}, check_mode=False, if_match='"1"')
    assert client.calls == [
        ("/api/v1/fleet/plan", None, True),
        ("/api/v1/fleet/apply", {"If-Match": '"1"'}, False),
    ]


def test_check_mode_refuses_a_state_that_has_moved_as_the_run_would():
    with pytest.raises(WitnessError) as caught:
        _desired.converge(Client('"2"'), {}, check_mode=True, if_match='"1"')
    assert caught.value.code == "E_STATE_CHANGED"


class Module:
    def __init__(self):
        self.warnings = []

    def warn(self, text):
        self.warnings.append(text)


def test_changed_and_diff_are_the_witnesss_answer():
    def change(action, before, after):
        return {"kind": "sync_group", "name": "p", "action": action, "before": before, "after": after, "fields": []}

    module = Module()
    answer = {
        "changes": [change("created", None, {"a": 1}), change("unchanged", {}, {}), change("deleted", {"b": 2}, None)],
        "warnings": [{"code": "W", "pointer": "/x", "message": "look"}],
        "state": '"s"',
    }
    result = _desired.result_of(module, answer)
    assert result["changed"] is True
    assert [(each["before"], each["after"]) for each in result["diff"]] == [("", {"a": 1}), ({"b": 2}, "")]
    assert result["diff"][0]["before_header"] == "sync group p (absent)"
    assert module.warnings == ["W /x: look"]
    assert _desired.result_of(module, {**answer, "changes": answer["changes"][1:2]})["changed"] is False


def test_an_object_that_stays_as_it_is_is_not_carried_twice():
    change = {"kind": "system", "name": "nas1", "before": {"a": 1}, "after": {"a": 1}, "fields": []}
    kept = _desired.concise(dict(change, action="unchanged"))
    assert kept == {"kind": "system", "name": "nas1", "action": "unchanged", "fields": []}
    for action in ("created", "updated", "deleted"):
        assert _desired.concise(dict(change, action=action)) == dict(change, action=action)


def test_the_owner_of_the_document_wins_over_the_option():
    options = {
        "prune": True,
        "adopt": False,
        "create_only": False,
        "delete": None,
        "prune_limit": 9,
        "owner": "ansible/x",
    }
    document = {"version": 1, "owner": "gitops/berlin"}
    request = zfs_sync_fleet.request_of({**options, "fleet": document})
    assert request == {"prune": True, "adopt": False, "create_only": False, "prune_limit": 9, "fleet": document}
    assert zfs_sync_fleet.request_of({**options, "fleet": {"version": 1}})["fleet"]["owner"] == "ansible/x"
