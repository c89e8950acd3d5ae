# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names a report, how it is cut into parts, and when none is sent."""

from __future__ import annotations

import pytest
from ansible_collections.zfs_sync.fleet.plugins.module_utils._client import WitnessError
from ansible_collections.zfs_sync.fleet.plugins.module_utils._report import INSTALLATION, Report, parts

HOST = {"platform": "linux", "hostname": "nas9"}
POOLS = [{"name": "tank", "guid": "1", "health": "ONLINE"}]


def dataset(path, *guids, **more):
    add = [{"guid": each, "createtxg": str(n), "name": "s" + each, "creation": None} for n, each in enumerate(guids)]
    fields = {"guid": "9", "type": "filesystem", "used": 1, "referenced": 1, "encryption_root": None, "marker": None}
    return dict({"path": path, "add": add}, **dict(fields, **more))


class Client:
    """A witness that holds what a test says, and takes parts up to a size."""

    def __init__(self, generation=None, installation=None, most=10_000):
        self.held, self.most, self.posts = {"generation": generation, "installation": installation}, most, []

    def get(self, path, query):
        return dict(self.held, items=[], next=None)

    def pages(self, path):
        return iter([{"path": "tank/a", "guid": "9", "snapshots": [{"name": "s1", "guid": "1"}]}])

    def post(self, path, body, repeatable):
        if sum(len(each["add"]) for each in body.get("datasets", [])) > self.most:
            raise WitnessError("E_REPORT_TOO_LARGE", "too large", None)
        self.posts.append((path, body))


def report(client, *datasets):
    return Report(client, "nas9", HOST, POOLS, list(datasets))


def test_the_same_content_has_the_same_name_whatever_its_sizes():
    names = {report(Client(), dataset("tank/a", "1", "2", used=size)).generation for size in (1, 2)}
    assert len(names) == 1
    assert len(names.pop()) <= 64


@pytest.mark.parametrize(
    "other", [dataset("tank/a", "1"), dataset("tank/b", "1", "2"), dataset("tank/a", "1", "2", marker="photos")]
)
def test_other_content_has_another_name(other):
    one = dataset("tank/a", "1", "2")
    assert report(Client(), one).generation != report(Client(), other).generation


def test_a_system_with_an_agent_is_refused_before_anything_is_sent():
    client = Client("g1", "inst-1")
    with pytest.raises(WitnessError) as caught:
        report(client).is_held()
    assert caught.value.code == "E_SYSTEM_HAS_AGENT"
    assert client.posts == []


def test_what_is_held_is_known_by_its_name():
    one = dataset("tank/a", "1")
    generation = report(Client(), one).generation
    assert report(Client(generation, INSTALLATION), one).is_held()
    assert not report(Client("other", INSTALLATION), one).is_held()
    assert not report(Client(), one).is_held()


def test_a_report_has_one_part_at_least_and_one_that_is_last():
    client = Client()
    report(client).send()
    ((path, body),) = client.posts
    assert path == "/api/v1/systems/nas9/reports"
    assert (body["seq"], body["last"], body["datasets"], body["pools"]) == (0, True, [], POOLS)


def test_parts_become_smaller_where_the_witness_wants_them_smaller():
    client = Client(most=1_000)
    one = dataset("tank/a", *map(str, range(3_000)))
    report(client, one).send()
    sizes = [sum(len(each["add"]) for each in body["datasets"]) for _path, body in client.posts]
    assert sum(sizes) == 3_000
    assert max(sizes) <= 1_000
    assert [body["last"] for _path, body in client.posts][-2:] == [False, True]


def test_a_witness_that_takes_no_size_is_believed():
    with pytest.raises(WitnessError):
        report(Client(most=0), dataset("tank/a", "1")).send()


def test_small_datasets_share_a_part():
    many = [dataset("tank/%d" % number, "1") for number in range(10)]
    assert [len(chunk) for chunk in parts(many, 8)] == [4, 4, 2]


def test_the_difference_is_a_line_for_each_snapshot():
    one = report(Client(), dataset("tank/a", "1", "2"))
    assert one.before() == ["tank/a 9", "tank/a@s1 1"]
    assert one.after() == ["tank/a 9", "tank/a@s1 1", "tank/a@s2 2"]
