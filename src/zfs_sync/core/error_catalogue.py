# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""Every error that ZFS Sync can show, in one place.

``docs/errors/`` has a page per entry, made from this file; HTTP answers, modules, and commands show the same text.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What one code means: HTTP status, title, what happened, what to do, and a command that helps."""

    code: str
    status: int
    title: str
    explanation: str
    remedy: str
    example: str


_ENTRIES = (
    CatalogueEntry(
        "E_AGENT_CLONED",
        409,
        "The same agent key is used by two installations",
        (
            "A report or heartbeat came with this system's key from another installation than the one that "
            "enrolled. A cloned virtual machine does this."
        ),
        (
            "Enrol the copy under a name of its own: remove its agent with --purge and install it again with a "
            "new enrol key."
        ),
        "zfs-sync-agent uninstall --purge",
    ),
    CatalogueEntry(
        "E_AGENT_NOT_RUNNING",
        503,
        "The agent on this host does not run",
        "A peer logged in, but the gate found no running agent behind its socket.",
        "Start the agent on the host that was asked.",
        "systemctl restart zfs-sync-agent",
    ),
    CatalogueEntry(
        "E_ALREADY_EXISTS",
        409,
        "An object of this name exists already",
        "The request was to create something only, and an object of this name is there.",
        "Choose another name, or leave out create_only to update the object.",
        "zfs-sync-witness key list",
    ),
    CatalogueEntry(
        "E_BACKUP_FAILED",
        500,
        "The backup was not written",
        "The file exists already, or its folder cannot be written to, or the disk is full. No file was left.",
        "Name another file, or a folder with room for the database, in which each backup gets a name of its own.",
        "zfs-sync-witness backup /var/backups",
    ),
    CatalogueEntry(
        "E_BACKUP_INVALID",
        422,
        "The backup cannot be restored",
        (
            "The file is damaged or no backup of a witness, or a newer version of the witness made it. Nothing was "
            "changed."
        ),
        "Take another backup, or install the version that made this one; restore --check says what is in a file.",
        "zfs-sync-witness --version",
    ),
    CatalogueEntry(
        "E_BODY_TOO_LARGE",
        413,
        "The request is too large",
        "The body is larger than the witness accepts.",
        "Send less in one request, or raise max_body_bytes; the command shows what holds.",
        "zfs-sync-witness check --json",
    ),
    CatalogueEntry(
        "E_BUSY",
        503,
        "The dataset is busy",
        "ZFS refused because the dataset is mounted and in use, held, or being received into.",
        "Wait for the next attempt, or find what uses the dataset.",
        "zfs-sync-agent doctor",
    ),
    CatalogueEntry(
        "E_CANCELLED",
        409,
        "The job was cancelled",
        "Somebody cancelled the job while it ran; its pipeline was ended.",
        "Run the group again when you want it.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.sync_now",
    ),
    CatalogueEntry(
        "E_CONFIG",
        400,
        "The configuration has faults",
        "A configuration file could not be read or has values that are not allowed.",
        "Mend the lines that are named, then start the service again.",
        "zfs-sync-agent doctor",
    ),
    CatalogueEntry(
        "E_DATABASE_EXISTS",
        409,
        "A witness lives there already",
        "Restoring would take the place of a database, an admin key or TLS files that are there. Nothing was changed.",
        "Say --replace to have them moved aside: they are kept beside the restored ones, under names that say when.",
        "zfs-sync-witness restore --help",
    ),
    CatalogueEntry(
        "E_DATABASE_UNAVAILABLE",
        503,
        "The database cannot be used",
        "The witness could not read or write its database: the disk is full, read-only or failing.",
        "Make room or mend the file system that holds the database; nothing was changed.",
        "df -h /var/lib/zfs-sync-witness",
    ),
    CatalogueEntry(
        "E_DIVERGED",
        409,
        "Source and target have both gone on",
        (
            "After their last common snapshot, both sides have snapshots that the other lacks. Nothing is "
            "touched, because one of the two histories would be lost."
        ),
        (
            "Decide which side is right. To follow the source again, roll the target back to the common snapshot "
            "on the target's host."
        ),
        "zfs rollback -r TARGET@COMMON",
    ),
    CatalogueEntry(
        "E_EDGE_UNKNOWN",
        403,
        "This host knows no such edge",
        "A peer asked for a dataset of an edge that this host's agent has not been told of, or no longer has.",
        "Check that both systems are members of the group and that this host's agent reaches the witness.",
        "zfs-sync-agent doctor",
    ),
    CatalogueEntry(
        "E_ENCRYPTED_SOURCE",
        409,
        "The source is encrypted",
        "An encrypted dataset is sent raw or not at all, and raw sending is not available between these two hosts.",
        "Replicate an unencrypted dataset, or wait for raw sending to be available on both hosts.",
        "zfs get encryption DATASET",
    ),
    CatalogueEntry(
        "E_ENROL_EXPIRED",
        401,
        "The enrol key has expired",
        "Enrol keys are short-lived, and this one is past its time.",
        "Mint a new enrol key for this system.",
        "zfs-sync-witness key create enrol-SYSTEM --role enrol --system SYSTEM",
    ),
    CatalogueEntry(
        "E_ENROL_USED",
        401,
        "The enrol key was used already",
        "An enrol key works once, and another installation has used this one.",
        "Mint a new enrol key for this system; if nobody of yours used it, look at the audit rows.",
        "zfs-sync-witness key create enrol-SYSTEM --role enrol --system SYSTEM",
    ),
    CatalogueEntry(
        "E_FORBIDDEN",
        403,
        "This key may not do that",
        "The API key is valid, but its role or its system does not allow this request.",
        "Use a key with the role that the message names.",
        "zfs-sync-witness key create NAME --role operator",
    ),
    CatalogueEntry(
        "E_GATE_FULL",
        429,
        "The peer has too many connections open",
        (
            "A host serves a peer only as long as as many places are left for the others. The peer has that many "
            "connections open already: more jobs than parallel_jobs is meant for, or connections that are stuck."
        ),
        "It is tried again. If it stays so, look at what logs in from that peer.",
        "journalctl -u zfs-sync-agent --since -1h",
    ),
    CatalogueEntry(
        "E_HOST_KEY_UNKNOWN",
        502,
        "The peer's host key is unknown or has changed",
        "ssh met a host key that is not pinned for this peer. Nothing was sent: it may be another machine.",
        "Compare the fingerprints. If the change was meant, run the role ssh_trust (or trust set) again.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.site",
    ),
    CatalogueEntry(
        "E_INSTALL",
        500,
        "The agent could not be installed",
        "A step of the installer failed; what was done before it stays and is taken up by the next run.",
        "Mend what the message names and run the installer again.",
        "zfs-sync-agent install --check",
    ),
    CatalogueEntry(
        "E_INTERNAL",
        500,
        "An internal error",
        "The witness met something that it was not built for. The log has the details under the request id.",
        "Report it with the request id and the log lines around it.",
        "journalctl -u zfs-sync-witness",
    ),
    CatalogueEntry(
        "E_INTERRUPTED",
        503,
        "The transfer was interrupted",
        "The stream ended early: the connection, the peer or a process went away. What was received whole is kept.",
        "None: it is tried again by itself. If it goes on, look at the link between the two hosts.",
        "zfs-sync-agent doctor",
    ),
    CatalogueEntry(
        "E_JOB_NOT_CLAIMABLE",
        409,
        "The job cannot be claimed now",
        "The job is running, finished, cancelled, or over a limit.",
        "None: the agent asks for its work again.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.status",
    ),
    CatalogueEntry(
        "E_JOB_NOT_FOUND",
        404,
        "No such job",
        "There is no job with this id, or it was removed after its time.",
        "List the jobs and use an id from there.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.status",
    ),
    CatalogueEntry(
        "E_JOB_NOT_RETRYABLE",
        409,
        "The job cannot be run again",
        (
            "Only a job that failed or was cancelled is run again, and only while its dataset still lacks something "
            "that may be sent: its group is enabled, no host of it is in maintenance, and nothing waits for a person."
        ),
        "See what stands in the way: the status names the outcome and what to do about it.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.status",
    ),
    CatalogueEntry(
        "E_JOB_NOT_YOURS",
        403,
        "The job belongs to another system",
        "An agent may claim and finish only the jobs of its own system.",
        "Use the key of the system that the job is for.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.status",
    ),
    CatalogueEntry(
        "E_KEY_MALFORMED",
        401,
        "The API key is malformed",
        "The text is no API key of ZFS Sync: it was cut, mistyped, or is something else.",
        "Copy the whole key again; it begins with zs_.",
        "zfs-sync-witness key list",
    ),
    CatalogueEntry(
        "E_KEY_NOT_FOUND",
        404,
        "No such API key",
        "There is no API key with this id.",
        "List the keys and use an id from there.",
        "zfs-sync-witness key list",
    ),
    CatalogueEntry(
        "E_KEY_REVOKED",
        403,
        "A system's key was revoked",
        (
            "Somebody revoked the key of this system's agent, and it has not enrolled again. Its peers neither send to "
            "it nor receive from it, and no job is queued that touches it."
        ),
        "If the host may be trusted again, let it enrol anew: run the playbook, which makes it an enrol key.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.site",
    ),
    CatalogueEntry(
        "E_LEASE_LOST",
        409,
        "The lease on the job was lost",
        "The agent reported for a job with an old epoch: the job was given out anew, or finished.",
        "None: the agent ends that pipeline and asks for its work again.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.status",
    ),
    CatalogueEntry(
        "E_METHOD_NOT_ALLOWED",
        405,
        "The method is not allowed here",
        "The path exists, but not with this HTTP method.",
        "Use one of the methods that the Allow header names.",
        "curl --cacert ca.pem https://witness:8462/docs",
    ),
    CatalogueEntry(
        "E_MIGRATION_NEEDED",
        503,
        "The database is of another version",
        "The database's schema is not the one that this version of the witness needs.",
        "Migrate the database, then start the service.",
        "zfs-sync-witness migrate",
    ),
    CatalogueEntry(
        "E_NAME_TOO_LONG",
        409,
        "A name would be too long on the target",
        "ZFS allows 255 bytes for a dataset and the name of its snapshot together. Below the target's root a dataset or"
        " a snapshot of the source would have more. Nothing of this dataset is sent.",
        "Choose a shorter root for the target, rename the dataset or the snapshot at the source, or leave it out with"
        " exclude or snapshots.exclude.",
        "zfs rename DATASET@LONG_NAME DATASET@SHORT_NAME",
    ),
    CatalogueEntry(
        "E_NOT_ALLOWED_HERE",
        403,
        "This host's allow-list does not allow it",
        "The host's own agent.conf does not list the dataset with this operation. The witness cannot change that.",
        "If it should be allowed, add the dataset to allow: in the host's agent.conf and restart its agent.",
        "zfs-sync-agent doctor",
    ),
    CatalogueEntry(
        "E_NO_COMMON_BASE",
        409,
        "No common snapshot is left",
        (
            "The target was received by this group, but no snapshot on it exists at the source any more, so no "
            "incremental stream fits."
        ),
        "Keep what you need of the target under another name, so that a first sync can be made.",
        "zfs rename TARGET TARGET.kept",
    ),
    CatalogueEntry(
        "E_OWNED_BY_OTHER",
        409,
        "The object belongs to another owner",
        "The object was declared by another owner with other content.",
        "Change it where it is declared, or take it over with adopt.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.site -e zfs_sync_adopt=true",
    ),
    CatalogueEntry(
        "E_PARENT_MISSING",
        409,
        "The dataset above the target does not exist",
        "We create nothing above a target: its parent must be there.",
        "Create the parent on the target's host.",
        "zfs create PARENT",
    ),
    CatalogueEntry(
        "E_PEER_UNKNOWN",
        502,
        "There is no trust with this peer",
        "This host has no pinned host key for the peer, or the peer does not know this host's public key.",
        "Run the role ssh_trust for both hosts.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.site",
    ),
    CatalogueEntry(
        "E_PEER_UNREACHABLE",
        502,
        "The peer cannot be reached",
        "ssh could not connect to the peer in time.",
        "Check that the peer is up and that its ssh address in the fleet document is right.",
        "zfs-sync-agent doctor",
    ),
    CatalogueEntry(
        "E_PERMISSION",
        403,
        "ZFS denied the permission",
        "zfs, or a file of ours, may not be used by the account that runs the command or the agent.",
        "Run the command as root; the agent's service runs as root too, with the rights that its unit names.",
        "systemctl show -P User zfs-sync-agent",
    ),
    CatalogueEntry(
        "E_PLAN_STALE",
        409,
        "The plan is no longer true",
        "The pool in front of the agent is not what the plan was made from. Nothing was touched.",
        "None: the host reports and the witness plans again.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.status",
    ),
    CatalogueEntry(
        "E_PROPERTY_REFUSED",
        409,
        "ZFS does not take a property of the new target",
        "The data has arrived, and ZFS on the target's host refused a property that the sync group sets on new targets:"
        " this platform does not know it, or not this value. The target is not in use until it has all of them.",
        "Take the property out of properties.set of the sync group, or give it a value that this host knows.",
        "zfs get PROPERTY TARGET",
    ),
    CatalogueEntry(
        "E_PROTOCOL_UNSUPPORTED",
        400,
        "Agent and witness speak different protocols",
        "The two have no protocol version in common; the message says which side is too old.",
        "Upgrade the side that is too old.",
        "zfs-sync-agent --version",
    ),
    CatalogueEntry(
        "E_PRUNE_TOO_MUCH",
        409,
        "Prune would delete too much",
        (
            "The document is empty, or more of this owner's objects than the limit would be deleted. Nothing was "
            "changed."
        ),
        "If that is meant, say the number with prune_limit.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.site -e zfs_sync_prune_limit=20",
    ),
    CatalogueEntry(
        "E_REPORT_BASE_UNKNOWN",
        409,
        "The report builds on an unknown generation",
        "The witness does not hold the generation that this delta builds on: send full.",
        "None: the agent sends a full report.",
        "journalctl -u zfs-sync-agent",
    ),
    CatalogueEntry(
        "E_REPORT_OUT_OF_ORDER",
        409,
        "A part of the report is missing",
        "The chunks of a full report came out of order or with a gap.",
        "None: the agent sends the report again.",
        "journalctl -u zfs-sync-agent",
    ),
    CatalogueEntry(
        "E_REPORT_TOO_LARGE",
        413,
        "The report is too large",
        "The host reports more datasets or snapshots than the witness takes from one system.",
        (
            "Narrow the host's allow-list to what is replicated, or raise the witness's report_max_datasets or "
            "report_max_snapshots; the command shows what holds."
        ),
        "zfs-sync-witness check --json",
    ),
    CatalogueEntry(
        "E_ROUTE_NOT_FOUND",
        404,
        "No such route",
        "The API has nothing at this path.",
        "Look the path up in the API's own documentation.",
        "curl --cacert ca.pem https://witness:8462/docs",
    ),
    CatalogueEntry(
        "E_SOURCE_GONE",
        409,
        "The snapshot to send is gone",
        "A snapshot that the plan names no longer exists at the source.",
        "None: the hosts report and the witness plans again.",
        "zfs list -r -t snapshot DATASET",
    ),
    CatalogueEntry(
        "E_SOURCE_RENAMED",
        409,
        "The source dataset was renamed",
        "The dataset that was replicated is gone from its path, and a dataset with its GUID is at another path of the"
        " same host. What was received stays as it is, and nothing is sent anew.",
        "Declare the new path for the source, rename the copy on the target likewise, or rename the dataset back; the"
        " status says which, with the command.",
        "zfs rename NEW_PATH OLD_PATH",
    ),
    CatalogueEntry(
        "E_SPACE",
        507,
        "The target has no room",
        "The target's pool or quota is full. What was received whole is kept.",
        "Make room on the target, or raise the quota.",
        "zfs list -o space TARGET",
    ),
    CatalogueEntry(
        "E_SSH",
        502,
        "ssh failed",
        "ssh to the peer ended with an error that is none of the known ones.",
        "Look at the message, and let doctor on the asking host try each peer.",
        "zfs-sync-agent doctor",
    ),
    CatalogueEntry(
        "E_STATE_CHANGED",
        412,
        "The desired state has moved on",
        (
            "Something was applied since the plan was made, so the plan that was reviewed is no longer exact. "
            "Nothing was changed."
        ),
        "Plan again, review, and apply with the new state tag.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.site --check --diff",
    ),
    CatalogueEntry(
        "E_STREAM_REFUSED",
        502,
        "The peer sent another stream than it was asked for",
        (
            "The stream that came would have done something else than bring the snapshots of the plan: set "
            "properties, make other datasets, become a clone, or go on from another snapshot. Nothing of what was "
            "refused has reached zfs receive. An agent of ours sends no such stream: the sending host may be in "
            "the hands of somebody else."
        ),
        (
            "Look at the sending host before anything else. If it is not what it should be, take it out of the "
            "fleet and out of the trust of its peers."
        ),
        "zfs-sync-agent trust show",
    ),
    CatalogueEntry(
        "E_SWITCHOVER_BEHIND",
        409,
        "The new source lacks snapshots of the old one",
        (
            "The roles of a sync group were to be changed so that another member becomes the source, and that member "
            "lacks snapshots that the source has. Nothing was changed."
        ),
        "Sync the group, then switch over. If the old source is gone for good, disable the group in the same change.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.sync_now",
    ),
    CatalogueEntry(
        "E_SYNC_GROUP_NOT_FOUND",
        404,
        "No such sync group",
        "There is no sync group of this name.",
        "Check the name against the fleet document.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.status",
    ),
    CatalogueEntry(
        "E_SYSTEM_IN_USE",
        409,
        "The system is still a member",
        "A system that is a member of a sync group cannot be deleted unless the same request ends the membership.",
        "Take it out of the groups that are named first, or in the same document.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.site --check --diff",
    ),
    CatalogueEntry(
        "E_SYSTEM_HAS_AGENT",
        409,
        "The system has an agent, which reports for it",
        (
            "Snapshots were reported for this system as for one without an agent, but an agent has enrolled for it. "
            "Two that report for one system would each undo what the other says."
        ),
        (
            "Leave reporting to the agent. Where the host has none any more, take the system out of the fleet and "
            "declare it anew: the witness then waits for whoever reports first."
        ),
        "zfs-sync-agent doctor",
    ),
    CatalogueEntry(
        "E_SYSTEM_NOT_FOUND",
        404,
        "No such system",
        "There is no system of this name.",
        "Check the name against the fleet document.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.status",
    ),
    CatalogueEntry(
        "E_SYSTEM_PENDING",
        403,
        "The system waits for approval",
        (
            "The agent came with a general enrol key, and nobody has declared a system of its name yet. It gets no "
            "work, and its reports are not taken."
        ),
        "Declare the system in the fleet document, or approve it; or reject it, which ends its key.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.site",
    ),
    CatalogueEntry(
        "E_TARGET_AHEAD",
        409,
        "The target has snapshots that the source lacks",
        "Snapshots were made on the target, or taken away at the source, after the last common one.",
        "If the target's extra snapshots are not wanted, roll it back to the common one on the target's host.",
        "zfs rollback -r TARGET@COMMON",
    ),
    CatalogueEntry(
        "E_TARGET_LOCKED",
        409,
        "Another receive into this dataset is running",
        "Two receives never run into one dataset; one holds the lock.",
        "None: it is tried again when the other has ended.",
        "zfs-sync-agent doctor",
    ),
    CatalogueEntry(
        "E_TARGET_MODIFIED",
        409,
        "The target was written to",
        "The target has changes since its newest snapshot, and we do not throw them away.",
        "Save what you need of the changes, then roll the target back to its newest snapshot on its host.",
        "zfs rollback TARGET@NEWEST",
    ),
    CatalogueEntry(
        "E_TARGET_RENAMED",
        409,
        "The target dataset was renamed",
        "The dataset that was received is gone from its path, and a dataset with its GUID and the mark of the group is"
        " at another path of the same host. Nothing is received in its old place.",
        "Declare the new path for the target, rename the dataset back, or take the mark away to receive it all anew.",
        "zfs rename NEW_PATH OLD_PATH",
    ),
    CatalogueEntry(
        "E_TARGET_UNMANAGED",
        409,
        "The target holds data that is not ours",
        "The dataset exists and was not received by this sync group. It is left untouched.",
        "Choose a dataset that does not exist, or hand this one over on the target's host if it is a replica.",
        "zfs set zfs-sync:group=GROUP TARGET",
    ),
    CatalogueEntry(
        "E_TOO_MANY_LISTENERS",
        503,
        "Too many clients follow jobs already",
        "The witness serves a limited number of event streams at once, so that they leave room for agents.",
        "Close streams that nobody reads, or raise event_listeners in the witness's settings.",
        "zfs-sync-witness check --json",
    ),
    CatalogueEntry(
        "E_UNAUTHENTICATED",
        401,
        "No valid API key",
        "The request has no API key, or one that is unknown, revoked or expired.",
        "Send a valid key as 'Authorization: Bearer KEY'.",
        "zfs-sync-witness key create NAME --role viewer",
    ),
    CatalogueEntry(
        "E_VALIDATION",
        422,
        "The input has faults",
        "One or more values are missing, unknown or not allowed; each is listed with its place. Nothing was changed.",
        "Mend each of the places that are listed.",
        "ansible-playbook -i INVENTORY zfs_sync.fleet.site --check --diff",
    ),
    CatalogueEntry(
        "E_VERIFY_FAILED",
        502,
        "The received head is not the one that was sent",
        "After the receive, the newest snapshot of the target is another one than planned.",
        "None: the host reports and the witness plans again. If it goes on, something else writes to the target.",
        "zfs list -r -t snapshot -o name,guid TARGET",
    ),
    CatalogueEntry(
        "E_WITNESS_UNREACHABLE",
        503,
        "The witness cannot be reached",
        "No connection to the witness could be made, or it did not answer in time. Running transfers go on.",
        "Check the URL, the network, and that the witness runs.",
        "systemctl status zfs-sync-witness",
    ),
    CatalogueEntry(
        "E_WITNESS_UNTRUSTED",
        502,
        "The witness's certificate is not trusted",
        "The certificate is not signed by the CA that was given, has expired, or names another host.",
        "Give the CA of this witness, or renew its certificate with the host's name in it.",
        "zfs-sync-witness tls renew",
    ),
    CatalogueEntry(
        "E_WITNESS_RUNNING",
        409,
        "A witness serves this database",
        "One process serves a database at a time, and nothing may replace the database while one does.",
        "Stop the witness first, and start it again afterwards.",
        "systemctl stop zfs-sync-witness",
    ),
    CatalogueEntry(
        "E_ZFS_FAILED",
        500,
        "zfs ended with an error",
        "A zfs command failed with a message that is none of the known ones.",
        "Look at the message, which is what zfs said.",
        "zfs-sync-agent doctor",
    ),
    CatalogueEntry(
        "E_ZFS_MISSING",
        500,
        "zfs was not found",
        "There is no zfs or zpool command on this host, or it cannot be used.",
        "Install ZFS on this host, then start the agent again.",
        "apt-get install zfsutils-linux",
    ),
)

CATALOGUE: Mapping[str, CatalogueEntry] = {entry.code: entry for entry in _ENTRIES}
"""The entries by their code."""
