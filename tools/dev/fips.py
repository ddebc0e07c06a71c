# SPDX-License-Identifier: Apache-2.0
"""OpenSSL's FIPS provider for tests: built from the distribution's source package under build/fips, nothing installed.
It is the code of the provider and its self-tests that are tried here; a build of one's own is validated by nobody."""
import os
import shutil
import subprocess
from pathlib import Path

from tools.dev import steps

FOLDER = steps.BUILD / "fips"
CONFIG = FOLDER / "fipsmodule.cnf"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SOURCES = """Types: deb-src
URIs: {uri}
Suites: {suites}
Components: main
Signed-By: {keyring}

"""
DEADLINE = 3600


def _run(log, *argv, cwd=FOLDER):
    return subprocess.run([str(a) for a in argv], cwd=cwd, stdout=log, stderr=subprocess.STDOUT, timeout=DEADLINE,
                          check=False, env=dict(os.environ, LC_ALL="C")).returncode == 0


def _codename():
    for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    return "stable"


def _apt():
    """apt's options for lists of our own: the machine's sources need not name source packages."""
    parts, lists, name = FOLDER / "apt", FOLDER / "lists", _codename()
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    parts.mkdir(exist_ok=True)
    (parts / "source.sources").write_text(
        SOURCES.format(uri="http://deb.debian.org/debian", suites=f"{name} {name}-updates", keyring=KEYRING) +
        SOURCES.format(uri="http://deb.debian.org/debian-security", suites=f"{name}-security", keyring=KEYRING),
        encoding="utf-8")
    return ["-o", "Dir::Etc::SourceList=/dev/null", "-o", f"Dir::Etc::SourceParts={parts}", "-o", f"Dir::State::Lists={lists}"]


def _versions(options):
    """Versions of the source package, newest first."""
    text = subprocess.run(["apt-cache", *options, "showsrc", "openssl"], capture_output=True, text=True, timeout=60,
                          check=False).stdout
    found = [line.partition(" ")[2] for line in text.splitlines() if line.startswith("Version:")]
    return sorted(set(found), key=lambda v: [int(n) if n.isdigit() else 0 for n in v.replace("-", ".").split(".")], reverse=True)


def _source(log):
    """The unpacked source, or None. The newest version that the mirror has whole."""
    options = _apt()
    _run(log, "apt-get", *options, "update")
    for version in _versions(options):
        if _run(log, "apt-get", *options, "source", "--download-only", f"openssl={version}"):
            control = next(FOLDER.glob("openssl_*.dsc"))
            shutil.rmtree(FOLDER / "source", ignore_errors=True)
            return FOLDER / "source" if _run(log, "dpkg-source", "-x", control, "source") else None
    return None


def _make(log, source):
    jobs = f"-j{os.cpu_count() or 2}"
    module = source / "providers/fips.so"
    ok = (_run(log, "./Configure", "enable-fips", "no-tests", cwd=source) and _run(log, "make", jobs, "build_generated", cwd=source) and
          _run(log, "make", jobs, "providers/fips.so", cwd=source))
    if ok:
        shutil.copy(module, FOLDER / "fips.so")
        FOLDER.chmod(0o755)
        ok = _run(log, "openssl", "fipsinstall", "-module", FOLDER / "fips.so", "-out", f"{CONFIG}.new")
    if ok:  # where the module is: the usual place is not ours to write to
        text = Path(f"{CONFIG}.new").read_text(encoding="ascii") + f"module = {FOLDER / 'fips.so'}\n"
        CONFIG.write_text(text, encoding="ascii")
        Path(f"{CONFIG}.new").unlink()
    return ok


def build():
    """Path of the provider's configuration, built when it is not there yet; None when that failed. The log is
    build/logs/fips.log."""
    if CONFIG.is_file():
        return CONFIG
    steps.say("== OpenSSL's FIPS provider, from the source package")
    steps.LOGS.mkdir(parents=True, exist_ok=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(steps.LOGS / "fips.log", "w", encoding="utf-8") as log:
        source = _source(log)
        ok = source is not None and _make(log, source)
    if not ok:
        steps.tail(steps.LOGS / "fips.log", 20)
    shutil.rmtree(FOLDER / "source", ignore_errors=True)
    return CONFIG if ok else None
