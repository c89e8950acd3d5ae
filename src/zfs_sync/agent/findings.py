# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""What the doctor can say: each finding by its id, what it means, and what mends it.

Ids are for programs and stay; ``docs/reference/doctor.md`` is made from this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "failed"]

CATALOGUE: Mapping[str, str] = {
    "config": "agent.conf is valid.",
    "config-invalid": "agent.conf cannot be used; every fault is named.",
    "not-root": "The doctor, or the agent, runs as somebody else than root and may not look everywhere.",
    "tools": "Every program that the agent starts is there.",
    "tool-missing": "A program that the agent starts is not installed.",
    "state": "The state directory can be written and has room.",
    "state-full": "The filesystem of the state directory is nearly full: results of jobs could not be kept.",
    "state-unwritable": "The state directory cannot be written: it is missing, or its filesystem is read-only.",
    "zfs": "ZFS answers.",
    "zfs-silent": "ZFS is installed and does not answer.",
    "permission-missing": "Another user than root runs this, and `zfs allow` does not give that user what is needed.",
    "allow": "A rule of the allow-list has its dataset.",
    "allow-empty": "The allow-list is empty: nothing is reported, sent or received.",
    "allow-missing": "An edge of the fleet needs what the allow-list of this host does not allow.",
    "dataset-missing": "A dataset that may be sent does not exist.",
    "parent-missing": "A dataset cannot be received, since nothing is made above a target.",
    "holds": "How many holds of ours there are.",
    "holds-left": "Snapshots are held for edges that are not in the fleet any more.",
    "enrolment": "This host has its own key.",
    "enrol-key-unused": "An enrol key lies here, and the agent has not used it yet.",
    "not-enrolled": "This host has neither a key of its own nor an enrol key.",
    "key-broken": "A key file does not hold a whole key.",
    "witness": "The witness answers, has proved itself, and knows this host's key.",
    "witness-name": "The name in witness.url has no address.",
    "witness-unreachable": "Nothing answers at witness.url.",
    "witness-untrusted": "What answers at witness.url has no certificate of the CA that this host trusts.",
    "witness-key-refused": "The witness does not take this host's key, and says why.",
    "report": "This host's reports arrive.",
    "report-refused": "This host's last report did not come: it is too large, or ZFS did not answer.",
    "clock": "This host's clock agrees with the witness's.",
    "clock-off": "This host's clock and the witness's differ by more than a minute: lag and expiry come out wrong.",
    "service": "The agent is installed and runs, and starts at boot.",
    "service-missing": "The agent's command is not in its place.",
    "service-stopped": "The agent's service does not run.",
    "service-disabled": "The agent's service does not start at boot.",
    "gate": "A peer that logs in finds the agent.",
    "gate-silent": "A peer that logs in finds no agent at its socket.",
    "account-wrong": "The account that peers log in to is not as it should be.",
    "ssh-key": "This host has its own ssh key.",
    "ssh-key-missing": "This host has no ssh key of its own, or lacks its public half.",
    "ssh-key-open": "The private ssh key can be read by others: ssh refuses it.",
    "trust": "The files that say who may log in are in place.",
    "trust-missing": "Nobody told this host yet whom to trust.",
    "trust-writable": "A file that says who may log in can be written by others than root: sshd refuses it.",
    "edges-unknown": "The witness has not yet said which edges this host is part of.",
    "peer": "A peer answers through its gate.",
    "peer-name": "The name of a peer's host has no address here.",
    "peer-unreachable": "A peer's sshd cannot be reached.",
    "peer-host-key-unknown": "This host does not know a peer's host key yet.",
    "peer-host-key-changed": "A peer has another host key than the one that is trusted here.",
    "peer-login-refused": "A peer does not let this host log in.",
    "peer-not-trusted": "A peer that fetches from here, or pushes to here, may not log in here.",
    "peer-agent-stopped": "A peer lets this host log in, and no agent runs there.",
    "peer-edge-unknown": "A peer's agent does not know the edge that this host asks for.",
    "peer-not-allowed": "A peer's own allow-list does not cover what this host asks for.",
    "peer-dataset-missing": "A peer answers and has no such dataset.",
    "peer-failed": "Asking a peer failed in another way, which the message names.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what mends it. Raises KeyError for an id that the catalogue lacks."""

    id: str
    status: Status
    message: str
    remedy: str = ""
    """The command that mends it, as it is typed."""
    where: str = ""
    """The host where it is typed; empty for this one."""
    advice: str = ""
    """What to know before it is typed, or to do where no command does it."""

    def __post_init__(self) -> None:
        """Check the id."""
        CATALOGUE[self.id]


def ok(name: str, message: str) -> Finding:
    """It works."""
    return Finding(name, "ok", message)


def warning(name: str, message: str, remedy: str = "", *, where: str = "", advice: str = "") -> Finding:
    """It may be meant so."""
    return Finding(name, "warning", message, remedy, where, advice)


def failed(name: str, message: str, remedy: str = "", *, where: str = "", advice: str = "") -> Finding:
    """It does not work."""
    return Finding(name, "failed", message, remedy, where, advice)
