#!/bin/sh
# mmdebstrap's customize hook: turns a minimal Debian ($1) into the root that all hosts of a lab share.
set -eu
root=$1
here=$(dirname "$0")

# Nothing of the building machine stays: its mirror, its apt settings, its names, its keys.
rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* "$root"/etc/apt/apt.conf.d/99mmdebstrap
rm -f "$root"/etc/hostname "$root"/etc/resolv.conf "$root"/etc/ssh/ssh_host_*
: >"$root"/etc/machine-id

# Modes as they should be, whatever umask the recipe was checked out with.
tar -C "$here"/files --owner=0 --group=0 --mode=u=rwX,go=rX -cf - . | tar -C "$root" --no-overwrite-dir -xf -
systemctl --root="$root" --quiet enable zfs-fuse.service
# Without a place in a container, or without anything to do where there is no network.
systemctl --root="$root" --quiet mask console-getty.service getty@tty1.service apt-daily.timer apt-daily-upgrade.timer \
    dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-udevd.service
# A small cache, and no answer from the FUSE cache after a rollback or a receive.
sed -i -E 's/^#? ?max-arc-size.*/max-arc-size = 16/; s/^#? ?fuse-(attr|entry)-timeout.*/fuse-\1-timeout = 0/' "$root"/etc/zfs/zfsrc
grep -q '^max-arc-size = 16$' "$root"/etc/zfs/zfsrc
grep -q '^fuse-attr-timeout = 0$' "$root"/etc/zfs/zfsrc
