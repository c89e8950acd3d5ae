# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The witness's routes as methods: typed bodies in, typed answers out."""

from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import quote

from zfs_sync.api.reports import (
    Enrolment,
    EnrolmentAnswer,
    Heartbeat,
    HeartbeatAnswer,
    Report,
    ReportAnswer,
    Succession,
    SuccessionAnswer,
)
from zfs_sync.api.structure import structure, unstructure
from zfs_sync.api.work import Claim, ClaimRequest, Finish, FinishAnswer, Progress, ProgressAnswer, Work
from zfs_sync.client.transport import Transport
from zfs_sync.core.errors import ZfsSyncError

T = TypeVar("T")
LONG_POLL_MARGIN_SECONDS = 15.0


class WitnessClient:
    """What an agent says to its witness. Every method raises the witness's error, or that it cannot be reached."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __repr__(self) -> str:
        """Name the witness."""
        return f"WitnessClient({self.url})"

    @property
    def url(self) -> str:
        """Where the witness is."""
        return self._transport.url

    def version(self) -> dict[str, Any]:
        """The witness's version and protocols: the cheapest question that needs a key."""
        answer = self._transport.call("GET", "/version", idempotent=True).body
        if not isinstance(answer, dict) or "version" not in answer:
            raise self._no_witness()
        return answer

    def seconds(self) -> float | None:
        """The witness's clock in seconds since 1970, whole, by its Date header (RFC 9110); None where it sends none."""
        said = self._transport.call("GET", "/version", idempotent=True).headers.get("Date", "")
        try:
            return parsedate_to_datetime(said).timestamp()
        except ValueError:
            return None

    def enrol(self, enrolment: Enrolment) -> EnrolmentAnswer:
        """Make the key whose hash this is the system's own; the same words again are answered the same."""
        return self._post(EnrolmentAnswer, "/enrol", enrolment)

    def enrolment(self, system: str, installation: str) -> EnrolmentAnswer:
        """Ask whether this client's key speaks for the system, from this installation. Not repeated: a check waits."""
        path = f"/systems/{_segment(system)}/enrolment?installation={_segment(installation)}"
        return self._understood(EnrolmentAnswer, self._transport.call("GET", path).body)

    def succeed(self, system: str, succession: Succession) -> SuccessionAnswer:
        """Make another key this agent's own; the same words again are answered the same."""
        return self._post(SuccessionAnswer, f"/systems/{_segment(system)}/key", succession)

    def heartbeat(self, system: str, heartbeat: Heartbeat) -> HeartbeatAnswer:
        """Say that this host lives and what it runs."""
        return self._post(HeartbeatAnswer, f"/systems/{_segment(system)}/heartbeat", heartbeat)

    def report(self, system: str, report: Report) -> ReportAnswer:
        """Send one chunk of a report; the same chunk again is answered the same."""
        return self._post(ReportAnswer, f"/systems/{_segment(system)}/reports", report)

    def work(self, system: str, *, etag: str | None, wait_seconds: int) -> tuple[Work, str] | None:
        """What this host should do, and its ETag; None when it is still as ``etag`` says after waiting so long."""
        answer = self._transport.call(
            "GET",
            f"/systems/{_segment(system)}/work?wait={wait_seconds}",
            headers={"If-None-Match": etag} if etag else {},
            timeout_seconds=wait_seconds + LONG_POLL_MARGIN_SECONDS,
        )
        if answer.status == 304:
            return None
        return self._understood(Work, answer.body), answer.headers.get("ETag", "")

    def claim(self, job: str, installation: str) -> Claim:
        """Take a job under a lease. Not repeated by itself: each claim gives a new epoch."""
        return self._post(
            Claim, f"/jobs/{_segment(job)}/claim", ClaimRequest(installation=installation), idempotent=False
        )

    def progress(self, job: str, progress: Progress) -> ProgressAnswer:
        """Renew the lease and say how far it is. Not repeated: the next one is newer."""
        return self._post(ProgressAnswer, f"/jobs/{_segment(job)}/progress", progress, idempotent=False)

    def finish(self, job: str, finish: Finish) -> FinishAnswer:
        """Say how it ended; the same words again are answered the same."""
        return self._post(FinishAnswer, f"/jobs/{_segment(job)}/finish", finish)

    def close(self) -> None:
        """Close this thread's connections."""
        self._transport.close()

    def _post(self, kind: type[T], path: str, body: object, *, idempotent: bool = True) -> T:
        answer = self._transport.call("POST", path, body=unstructure(body), idempotent=idempotent)
        return self._understood(kind, answer.body)

    def _understood(self, kind: type[T], body: object) -> T:
        """The answer as it should be. What a portal or proxy says instead is no word of the witness."""
        try:
            return structure(kind, body)
        except ZfsSyncError as error:
            raise self._no_witness() from error

    def _no_witness(self) -> ZfsSyncError:
        return ZfsSyncError(
            "E_WITNESS_UNREACHABLE", f"{self.url} does not answer as a witness does: something before it may answer."
        )


def _segment(text: str) -> str:
    """A name as one segment of a path, whatever it holds."""
    return quote(text, safe="")
