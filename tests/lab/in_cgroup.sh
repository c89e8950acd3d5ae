#!/bin/sh
# in_cgroup.sh CGROUP.PROCS... -- COMMAND...: join the cgroups, then become the command. What starts in a cgroup can be
# found and ended there however it forks; moving it in afterwards would race with its children.
while [ "$1" != -- ]; do
    echo $$ >"$1" || exit
    shift
done
shift
exec "$@"
