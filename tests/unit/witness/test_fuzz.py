# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Every operation of the OpenAPI document, with requests that fit the document and with ones that do not.

No answer is an error of the witness, whatever comes: a fault of the request has a code of its own. The witness holds a
fleet with reports and jobs, and half of the requests name what there is, so that they go further than a look-up.
"""

import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.unit.witness.conftest import Api, ManualClock
from tests.unit.witness.documents import fleet
from tests.unit.witness.hosts import dataset, full
from tests.unit.witness.test_authorization import CONTRACT, ENDLESS, ROLES
from zfs_sync.witness.app import create_app
from zfs_sync.witness.db.database import Database
from zfs_sync.witness.db.schema import metadata
from zfs_sync.witness.logs import make_logger
from zfs_sync.witness.openapi import document
from zfs_sync.witness.principal import COMMAND_LINE
from zfs_sync.witness.routes import ROUTERS
from zfs_sync.witness.services import keys
from zfs_sync.witness.services.keys import NewKey
from zfs_sync.witness.settings import Settings

EXAMPLES = int(os.environ.get("ZFS_SYNC_FUZZ_EXAMPLES", "12"))
LONG_EXAMPLES = 400
SCHEMA = schemathesis.openapi.from_dict(document([route for router in ROUTERS for route in router.routes]))
OPERATIONS = [each.ok() for each in SCHEMA.get_all_operations() if each.ok().path != ENDLESS]
MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


class Fuzzed:
    """A witness with something in it, and a client for each role."""

    def __init__(self, folder: Path) -> None:
        clock = ManualClock()
        self.log = io.StringIO()
        self.database = Database(f"sqlite:///{folder / 'witness.db'}")
        self.database.write(metadata.create_all)
        app = create_app(Settings(database=folder / "witness.db"), clock, self.database, make_logger("error", self.log))
        self.client = TestClient(app, raise_server_exceptions=False)
        self.keys = {role: self._key(role, clock) for role in ROLES}
        self.names = self._fill(clock)

    def _key(self, role: str, clock: ManualClock, system: str = "nas2") -> Api:
        new = NewKey(f"{role}-{system}", role, system if role in ("agent", "enrol") else None)
        token = self.database.write(lambda each: keys.create(each, COMMAND_LINE, new, clock())[1])
        return Api(self.client, token.text)

    def _fill(self, clock: ManualClock) -> dict[str, str]:
        self.keys["admin"].post("/api/v1/fleet/apply", {"fleet": fleet()})
        source = self._key("agent", clock, "nas1")
        source.post("/api/v1/systems/nas1/reports", full(dataset("tank/photos", 1, 2)))
        held = full(dataset("backup/photos", 1, marker="photos"))
        self.keys["agent"].post("/api/v1/systems/nas2/reports", held)
        (job,) = self.keys["agent"].get("/api/v1/systems/nas2/work").json()["jobs"]
        (key, *_) = self.keys["admin"].get("/api/v1/api-keys").json()["items"]
        return {"job_id": job["id"], "key_id": key["id"]}


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[Fuzzed]:
    with tempfile.TemporaryDirectory() as folder:
        found = Fuzzed(Path(folder))
        yield found
        found.client.close()
        found.database.close()


def _role(method: str, path: str) -> str | None:
    allowed = CONTRACT[method.upper(), path.replace("{job_id}", "{id}")]
    return next((role for role in ("agent", "enrol", "admin") if role in allowed), None)


def _sent(fuzzed: Fuzzed, case: Any, *, known: bool) -> Any:
    """The answer to a case; with names of what there is in its path where ``known``."""
    if known:
        names = {"name": "photos" if "sync-groups" in case.path else "nas2", **fuzzed.names}
        case.path_parameters = {name: names.get(name, value) for name, value in (case.path_parameters or {}).items()}
    role = _role(case.method, case.operation.path)
    if role is not None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {fuzzed.keys[role].token}"}
    whole = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
    headers = {name: value for name, value in whole.headers.items() if name.lower() != "content-length"}
    body = whole.body.encode() if isinstance(whole.body, str) else whole.body
    return fuzzed.client.request(str(whole.method), str(whole.url), headers=headers, content=body)


def _check(fuzzed: Fuzzed, operation: Any, examples: int) -> None:
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in MODES))

    @given(case=cases, known=st.booleans())
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def run(case: Any, known: bool) -> None:
        answer = _sent(fuzzed, case, known=known)
        assert answer.status_code < 500, (case.as_curl_command(), answer.text, fuzzed.log.getvalue()[-3000:])

    run()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_no_request_is_an_error_of_the_witness(fuzzed: Fuzzed, operation: Any) -> None:
    _check(fuzzed, operation, EXAMPLES)


@pytest.mark.long
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_no_request_of_very_many_is_an_error_of_the_witness(fuzzed: Fuzzed, operation: Any) -> None:
    _check(fuzzed, operation, LONG_EXAMPLES)
