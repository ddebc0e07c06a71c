# SPDX-License-Identifier: Apache-2.0
"""Mail servers that are used only as test peers. They exclude one another and start when installed, so their packages
are downloaded and unpacked under build/peers, each with the libraries it needs that this machine lacks; nothing is
installed. tests/lab runs them."""
import os
import re
import shutil
import subprocess
from pathlib import Path

from tools.dev import steps

PEERS = steps.BUILD / "peers"
# peer -> packages whose files make it up; what they depend on and this machine lacks is added.
WANTED = {
    "postfix": ["postfix", "libsasl2-modules"],
    "exim": ["exim4-daemon-light"],
    "opensmtpd": ["opensmtpd"],
    "nsd": ["nsd"],
    "unbound": ["unbound"],
}
# Dependencies that are never programs a peer runs: packages about installing and starting on a whole machine.
NOT_LIBRARIES = re.compile(r"^(?!lib)")
DEADLINE = 300


def _output(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=DEADLINE).stdout


def _library_closure(packages):
    """The library packages that `packages` depend on, all levels down."""
    text = _output("apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts",
                   "--no-breaks", "--no-replaces", "--no-enhances", *packages)
    names = {line.strip() for line in text.splitlines() if line and not line.startswith((" ", "<", "|"))}
    return {n for n in names if not NOT_LIBRARIES.match(n) and ":" not in n}


def _installed():
    text = _output("dpkg-query", "-W", "-f=${db:Status-Status} ${Package}\n")
    return {line.split()[1] for line in text.splitlines() if line.startswith("installed ")}


def _downloadable(names):
    """Those of names that are real packages with a candidate."""
    text = _output("apt-cache", "policy", *sorted(names)) if names else ""
    good, current = set(), None
    for line in text.splitlines():
        if line and not line.startswith(" "):
            current = line.rstrip(":")
        elif "Candidate:" in line and "(none)" not in line:
            good.add(current)
    return good


def _fetch_one(peer, packages, log):
    final, work = PEERS / peer, PEERS / f"{peer}.part"
    shutil.rmtree(work, ignore_errors=True)
    (work / "debs").mkdir(parents=True)
    libraries = _downloadable(_library_closure(packages) - _installed())
    subprocess.run(["apt-get", "download", *packages, *sorted(libraries)], cwd=work / "debs", check=True, stdout=log,
                   stderr=subprocess.STDOUT, timeout=DEADLINE)
    for deb in sorted((work / "debs").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", str(deb), str(work / "root")], check=True, stdout=log,
                       stderr=subprocess.STDOUT, timeout=DEADLINE)
    shutil.rmtree(work / "debs")
    work.rename(final)


def fetch():
    """Brings every peer that is not there yet; True when all are there. The log is build/logs/peers.log."""
    missing = [p for p in WANTED if not (PEERS / p).is_dir()]
    if not missing:
        return True
    steps.say(f"== fetch test peers, unpacked privately: {', '.join(missing)}")
    steps.LOGS.mkdir(parents=True, exist_ok=True)
    PEERS.mkdir(parents=True, exist_ok=True)
    with open(steps.LOGS / "peers.log", "w", encoding="utf-8") as log:
        if not any(Path("/var/lib/apt/lists").glob("*_Packages*")) and os.geteuid() == 0:
            subprocess.run(["apt-get", "update"], stdout=log, stderr=subprocess.STDOUT, timeout=DEADLINE, check=False)
        for peer in missing:
            try:
                _fetch_one(peer, WANTED[peer], log)
            except (subprocess.SubprocessError, OSError) as error:
                log.write(f"{peer}: {error}\n{getattr(error, 'stderr', '') or ''}\n")
                steps.say(f"   {peer} could not be fetched: {error}")
    return all((PEERS / p).is_dir() for p in WANTED)
