# SPDX-License-Identifier: Apache-2.0
"""trust.profile as an operator meets it: a start that is refused in words where fips has no provider or a key does not
fit, submission and Message Center under nist, and, where OpenSSL's FIPS provider was built (./dev test --long), a whole
delivery computed by it."""
import os
import signal
import smtplib
import ssl
import subprocess
import time


from tests.lab.sealpost import program
from tests.lab.tls_front import OpensslServer

SECONDS = 10
FIPS = os.environ.get("SEALPOST_FIPS_CONFIG")


def refused(sealpost, *said):
    """--check and the start both end with these words, and nothing is ready."""
    sealpost.write_configuration()
    for arguments in (["--check"], []):
        done = subprocess.run([str(program("sealpostd")), *arguments, "-c", str(sealpost.conf)], capture_output=True, text=True,
                              timeout=SECONDS)
        assert done.returncode == 1 and all(s in done.stderr for s in said), done.stderr
        assert "ready" not in done.stdout and "the configuration is good" not in done.stdout


def offers(address, port, *arguments):
    """Whether a TLS client that offers only this comes through."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"{address}:{port}", *arguments], input="", capture_output=True,
                          text=True, timeout=30, check=False)
    return "Cipher is (NONE)" not in done.stdout and "Cipher is " in done.stdout


def test_fips_without_its_provider_refuses_to_start(lab):
    stopped = lab.sealpost(start=False, settings={"trust.profile": "fips", "trust.fips-config": "/nonexistent/fipsmodule.cnf"})
    refused(stopped, "trust.profile fips", "/nonexistent/fipsmodule.cnf: No such file", "Install fips.so", "openssl fipsinstall")


def test_fips_with_something_else_in_its_place_refuses_to_start(lab):
    stopped = lab.sealpost(start=False, settings={"trust.profile": "fips", "trust.fips-config": lab.authority.root_file})
    refused(stopped, "trust.profile fips", "Install fips.so")


def ed25519_pair(lab):
    folder = lab.folder
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=relay.test", "-days", "30", "-keyout",
                    f"{folder}/ed.key", "-out", f"{folder}/ed.pem"], check=True, capture_output=True, timeout=30)
    return f"{folder}/ed.pem", f"{folder}/ed.key"


def test_key_that_the_profile_does_not_allow_refuses_to_start(lab):
    certificate, key = ed25519_pair(lab)
    stopped = lab.sealpost(start=False, settings={"trust.profile": "nist", "center.certificate": certificate, "center.key": key})
    refused(stopped, key, "profile nist wants a key on P-256 or P-384")
    stopped.settings["trust.profile"] = "strict"
    stopped.write_configuration()
    stopped.start()


def test_profile_is_of_submission_and_center_too(lab):
    """Under nist no X25519 and no ChaCha20; under strict both (the control)."""
    for profile, weak in (("strict", True), ("nist", False)):
        sealpost = lab.sealpost(settings={"trust.profile": profile})
        for port in (sealpost.tls_port, sealpost.center_port):
            assert offers(sealpost.address, port, "-groups", "P-256")
            assert offers(sealpost.address, port, "-groups", "X25519") == weak
            assert offers(sealpost.address, port, "-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256") == weak
            assert offers(sealpost.address, port, "-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256") != weak


def test_profile_does_not_change_by_reload(lab):
    sealpost = lab.sealpost()
    sealpost.settings["trust.profile"] = "nist"
    sealpost.write_configuration()
    sealpost.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + SECONDS
    while "reload refused" not in sealpost.log_text() and time.monotonic() < end:
        time.sleep(0.05)
    assert "trust.profile and trust.fips-config change with a restart only" in sealpost.log_text()
    lab.receiver("stays", "tls13")
    assert sealpost.outcome(sealpost.submit("a@stays.test"))["state"] == "delivered"
    sealpost.restart()
    assert not offers(sealpost.address, sealpost.tls_port, "-groups", "X25519")


if FIPS:  # a test of the long mode, not one that is skipped
    def test_mail_goes_with_the_fips_provider(lab):
        sealpost = lab.sealpost(settings={"trust.profile": "fips", "trust.fips-config": FIPS})
        for state in ("tls13", "tls12"):
            receiver = lab.receiver(f"fips-{state}", state)
            row = sealpost.outcome(sealpost.submit(f"a@{receiver.domain}", starttls=state == "tls12"))
            assert row["state"] == "delivered" and len(receiver.messages) == 1, row
        front = OpensslServer(lab, "chacha", lab.certificate("mx.chacha.test"), "-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256")
        assert sealpost.outcome(sealpost.submit(f"a@{front.domain}"))["state"] == "posted" and not front.inside.messages
        assert not offers(sealpost.address, sealpost.tls_port, "-groups", "X25519")
        assert offers(sealpost.address, sealpost.center_port, "-groups", "P-384")
        context = ssl.create_default_context(cafile=str(lab.authority.root_file))
        with smtplib.SMTP_SSL(sealpost.address, sealpost.tls_port, context=context) as client:
            assert client.noop()[0] == 250
