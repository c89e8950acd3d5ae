# SPDX-FileCopyrightText: 2026 The ZFS Sync authors
# SPDX-License-Identifier: Apache-2.0
"""The command ``zfs-sync-agent``: one file with everything a storage host needs.

The gate is looked at first and alone, since sshd starts it for each connection and it may import next to nothing.
"""

import sys


def main(argv: list[str] | None = None) -> int:
    """Run the command in ``argv`` (default: the process's own) and return its exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == ["gate"]:
        from zfs_sync.agent import gate  # noqa: PLC0415  (the gate imports next to nothing)

        return gate.main(arguments[1:])
    from zfs_sync.agent import commands  # noqa: PLC0415

    return commands.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
