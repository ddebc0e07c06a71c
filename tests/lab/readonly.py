# SPDX-License-Identifier: Apache-2.0
"""A machine on which only one folder can be written: a mount namespace with everything else read-only. What runs well
inside has touched nothing outside the folder."""
import subprocess

import pytest

SCRIPT = """
set -e
mount --bind "$0" "$0"
while read -r _ point kind _; do
    case "$kind $point" in
        proc*|sysfs*|cgroup*|devpts*|mqueue*|devtmpfs*|*" $0"*) continue ;;
    esac
    mount -o remount,bind,ro "$point" 2>/dev/null || true
done </proc/self/mounts
for place in /etc /tmp /var/tmp "$0/.."; do
    if touch "$place/touched" 2>/dev/null; then
        rm -f "$place/touched"
        echo "the control failed: $place can still be written" >&2
        exit 99
    fi
done
exec "$@"
"""


def require():
    probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("this machine refuses private mount namespaces")


def command(folder, *arguments):
    """The command line that runs arguments where only folder (which exists) can be written."""
    return ["unshare", "-m", "--propagation", "private", "/bin/bash", "-c", SCRIPT, str(folder),
            *(str(a) for a in arguments)]
