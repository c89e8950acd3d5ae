# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0

import json
import math
import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from zfs_sync.api import annotations, changes, fleet, keys, reports, status, work
from zfs_sync.api.problem import error_from, problem
from zfs_sync.api.structure import structure, unstructure
from zfs_sync.core.errors import Fault, ZfsSyncError
from zfs_sync.witness.faults import faults_of

MEMBER = {"system": "nas1", "dataset": "tank/a b", "role": "target", "from": "nas2", "limits": None}
STEP = {"op": "receive", "base_guid": None, "to_guid": str(2**64 - 1), "alone": False}


def faults(kind: type, raw: object) -> dict[str, str]:
    with pytest.raises(ZfsSyncError) as caught:
        structure(kind, raw)
    assert caught.value.code == "E_VALIDATION"
    return {fault.pointer: fault.message for fault in caught.value.faults}


@pytest.mark.parametrize(("kind", "raw"), [(fleet.MemberSpec, MEMBER), (work.JobStep, STEP)])
def test_round_trip_in_both_readers(kind: type, raw: dict) -> None:
    value = structure(kind, raw)
    assert unstructure(value) == raw
    assert TypeAdapter(kind).validate_python(raw) == value
    assert TypeAdapter(kind).dump_python(value, by_alias=True, mode="json") == raw


def test_all_faults_come_at_once_with_their_places() -> None:
    found = faults(
        work.Work,
        {
            "system": "A!",
            "settings": {"heartbeat_seconds": 0, "lease_seconds": "3", "progress_seconds": True},
            "jobs": [{"id": "x", "edge": "e", "relative": "../y", "state": "sleeping"}],
            "surprise": 1,
        },
    )
    assert found.keys() == {
        "/system",
        "/settings/heartbeat_seconds",
        "/settings/lease_seconds",
        "/settings/progress_seconds",
        "/jobs/0/relative",
        "/jobs/0/state",
        "/surprise",
    }


@pytest.mark.parametrize(
    "dataset", ["x; touch /tmp/y", "tank/a\nb", "tank/../x", "tank/$(id)", "", "tank@s", None, 5, ["tank"]]
)
def test_hostile_datasets_are_refused_by_both_readers(dataset: object) -> None:
    raw = MEMBER | {"dataset": dataset}
    assert "/dataset" in faults(fleet.MemberSpec, raw)
    with pytest.raises(ValidationError):
        TypeAdapter(fleet.MemberSpec).validate_python(raw)


@pytest.mark.parametrize("raw", [None, [], "x", 1, {"op": "destroy", "to_guid": "1"}, {"op": "receive", "to_guid": 1}])
def test_a_step_is_what_it_says_or_nothing(raw: object) -> None:
    assert faults(work.JobStep, raw)


def test_ranges_and_lengths_hold() -> None:
    assert faults(fleet.Ssh, {"port": 0})
    assert faults(fleet.Ssh, {"port": 65_536})
    assert faults(reports.ReportAnswer, {"generation": "", "accepted": True})
    assert faults(fleet.SyncGroupSpec, {"interval": "15"})
    assert structure(fleet.SyncGroupSpec, {"interval": "continuous"}).interval == "continuous"
    assert faults(fleet.FleetDocument, {"version": 1, "owner": "nobody"})
    assert structure(fleet.FleetDocument, {"version": 1, "owner": "gitops/berlin"}).owner == "gitops/berlin"


def every_class() -> list[type]:
    found = []
    for module in (changes, fleet, keys, reports, status, work):
        found += [
            each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__
        ]
    return found


@pytest.mark.parametrize("kind", every_class(), ids=lambda kind: kind.__name__)
def test_every_field_of_the_wire_says_what_it_is(kind: type) -> None:
    schema = TypeAdapter(kind).json_schema()
    assert schema["additionalProperties"] is False
    for name, field in schema["properties"].items():
        assert field.get("description"), f"{kind.__name__}.{name} has no docstring"


def test_problems_survive_the_wire() -> None:
    error = ZfsSyncError("E_VALIDATION", "bad", hint="mend", faults=[Fault("/a", "no"), Fault("/b", "no", "E_SPACE")])
    body = json.loads(json.dumps(problem(error, "r-1")))
    assert (body["status"], body["request_id"]) == (422, "r-1")
    again = error_from(body)
    assert (again.code, again.message, again.hint, again.faults) == (
        error.code,
        error.message,
        error.hint,
        error.faults,
    )


def test_a_code_from_a_newer_witness_is_shown_all_the_same() -> None:
    body = problem(ZfsSyncError("E_SPACE", "full"), "r") | {"code": "E_FROM_THE_FUTURE"}
    assert error_from(body).message == "E_FROM_THE_FUTURE: full"
    with pytest.raises(KeyError):
        error_from({"detail": math.pi})


@pytest.mark.parametrize("kind", [annotations.U64Text, annotations.SnapshotLabel])
@given(data=st.data())
def test_what_pydantic_takes_without_a_call_of_the_check_is_what_the_check_accepts(
    kind: Any, data: st.DataObject
) -> None:
    (checked,) = (each for each in kind.__metadata__ if isinstance(each, annotations.Checked))
    assert checked.sure is not None
    text = data.draw(st.from_regex(checked.sure))
    assume(
        re.fullmatch(checked.sure.replace("$", r"\Z"), text)
    )  # Rust's $ is the end, Python's may stand before a newline
    checked.check(text)


@pytest.mark.parametrize("text", ["18446744073709551615", "18446744073709551616", "007", "", "1\n", "x" * 255])
@pytest.mark.parametrize("kind", [annotations.U64Text, annotations.SnapshotLabel])
def test_both_readers_say_the_same_of_such_a_text(kind: Any, text: str) -> None:
    ours = faults(kind, text) if not accepted(kind, text) else {}
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        theirs = {each.pointer: each.message for each in faults_of(error.errors())}
    else:
        theirs = {}
    assert theirs == ours


def accepted(kind: Any, text: str) -> bool:
    try:
        structure(kind, text)
    except ZfsSyncError:
        return False
    return True
