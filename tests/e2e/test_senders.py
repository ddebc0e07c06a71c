# SPDX-License-Identifier: Apache-2.0
"""Mail programs nobody here wrote hand their mail to Sealpost, over 465 and 587, and it arrives at a receiver that
proved itself: swaks, msmtp, curl, gsasl, smtplib, nodemailer, and Postfix and Exim as clients of a smarthost."""
import json
import re
import secrets
import smtplib
import subprocess

import pytest

from tests.lab import npm, peers
from tests.lab.net import ROOT
from tests.lab.sealpost import letter

SENDER = "doctor@clinic.test"


@pytest.fixture(scope="module")
def door(shared_lab, shared_sealpost):
    """What every sender is told."""
    class Door:
        lab, sealpost = shared_lab, shared_sealpost
        credential = shared_sealpost.user("app")
        host, root = shared_sealpost.address, shared_lab.authority.root_file
        receiver = shared_lab.receiver("tls13")
        port = {"tls": shared_sealpost.tls_port, "starttls": shared_sealpost.starttls_port}
    return Door


@pytest.fixture
def mark():
    return "Mk" + secrets.token_hex(8)


def arrived(door, mark, timeout=30):
    """The one message with the mark that the receiver got."""
    end = timeout * 10
    while end > 0:
        found = [m for m in door.receiver.messages if mark.encode() in m.data]
        if found:
            assert len(found) == 1 and found[0].tls == "TLSv1.3"
            return found[0]
        door.receiver.wait_messages(len(door.receiver.messages) + 1, 0.1)
        end -= 1
    raise AssertionError("it did not arrive")


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60, **more)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("mode", ["tls", "starttls"])
@pytest.mark.parametrize("auth", ["PLAIN", "LOGIN"])
def test_swaks(door, mark, mode, auth):
    out = run("swaks", "--server", door.host, "--port", door.port[mode],
              "--tls-on-connect" if mode == "tls" else "--tls", "--tls-ca-path", door.root, "--tls-verify",
              "--auth", auth, "--auth-user", door.credential.name, "--auth-password", door.credential.password,
              "--ehlo", "app.clinic.test", "--from", SENDER, "--to", f"a@{door.receiver.domain}",
              "--header", f"Subject: {mark}", "--body", "hello")
    assert re.search(r"<~\s+250 2\.0\.0 \S+", out)
    assert arrived(door, mark)


@pytest.mark.parametrize("mode", ["tls", "starttls"])
@pytest.mark.parametrize("auth", ["plain", "scram-sha-256"])
def test_msmtp(door, mark, mode, auth, tmp_path):
    configuration = tmp_path / "msmtprc"
    configuration.write_text(
        f"account default\nhost {door.host}\nport {door.port[mode]}\ntls on\ntls_starttls {'on' if mode == 'starttls' else 'off'}\n"
        f"tls_trust_file {door.root}\nauth {auth}\nuser {door.credential.name}\npassword {door.credential.password}\n"
        f"from {SENDER}\ndomain app.clinic.test\n")
    configuration.chmod(0o600)
    content = letter(SENDER, [f"a@{door.receiver.domain}"], mark, ".dot\r\nhello\r\n").replace(b"\r\n", b"\n")
    run("msmtp", "-C", configuration, f"a@{door.receiver.domain}", input=content.decode())
    assert b"\r\n.dot\r\nhello\r\n" in arrived(door, mark).data


@pytest.mark.parametrize("mode", ["tls", "starttls"])
def test_curl(door, mark, mode, tmp_path):
    mail = tmp_path / "mail"
    mail.write_bytes(letter(SENDER, [f"a@{door.receiver.domain}"], mark, "line\r\n" * 4000))
    scheme = "smtps" if mode == "tls" else "smtp"
    run("curl", "-sS", "--ssl-reqd", "--cacert", door.root, "--url", f"{scheme}://{door.host}:{door.port[mode]}/app",
        "--user", f"{door.credential.name}:{door.credential.password}", "--mail-from", SENDER,
        "--mail-rcpt", f"a@{door.receiver.domain}", "--upload-file", mail)
    assert arrived(door, mark).data.endswith(b"line\r\n" * 4000)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"])
def test_gsasl(door, mechanism):
    # Without --no-cb gsasl says "y" (I could, but you do not), which RFC 5802 section 6 makes us refuse.
    binding = ["--no-cb"] if mechanism == "SCRAM-SHA-256" else []
    out = run("gsasl", *binding, "--smtp", "--connect", f"{door.host}:{door.port['starttls']}", "--mechanism", mechanism,
              "--authentication-id", door.credential.name, "--password", door.credential.password,
              "--authorization-id", "", "--x509-ca-file", str(door.root), "--verbose", input="QUIT\n")
    assert "235 " in out or "authentication" in out.lower()


@pytest.mark.parametrize("starttls", [False, True])
def test_smtplib(door, mark, starttls):
    door.sealpost.submit(f"a@{door.receiver.domain}", letter(SENDER, [f"a@{door.receiver.domain}"], mark),
                         starttls=starttls)
    assert arrived(door, mark)


def test_wrong_password_is_refused(door):
    client = door.sealpost.smtp(user=None)
    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        client.login(door.credential.name, "not" + door.credential.password)
    assert refused.value.smtp_code == 535


@pytest.fixture(scope="module")
def modules():
    return npm.install("nodemailer", ROOT / "tests/e2e/node/package.json")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("mode", ["tls", "starttls"])
def test_nodemailer(door, mark, mode, modules):
    options = {"host": door.host, "port": door.port[mode], "secure": mode == "tls", "user": door.credential.name,
               "password": door.credential.password, "ca": str(door.root), "from": SENDER,
               "to": f"a@{door.receiver.domain}", "subject": mark, "text": "hello"}
    out = run("node", ROOT / "tests/e2e/node/send.js", modules, json.dumps(options))
    assert out.startswith("250 2.0.0 ") and arrived(door, mark)


@pytest.mark.parametrize("kind", [peers.Postfix, peers.Exim])
def test_mail_server_as_smarthost_client(door, mark, kind):
    """The server takes the mail in clear text on loopback and relays it with TLS and AUTH."""
    server = kind(door.lab, f"{kind.package}.clinic.test", domains=(f"{kind.package}.clinic.test",),
                  smarthost=(door.host, door.port["starttls"], "relay.test"), credential=door.credential).start()
    client = smtplib.SMTP(server.address, server.port, "inside.clinic.test", timeout=20)
    client.sendmail(SENDER, [f"a@{door.receiver.domain}"], letter(SENDER, [f"a@{door.receiver.domain}"], mark))
    client.quit()
    try:
        assert arrived(door, mark)
    except AssertionError:
        raise AssertionError(server.log_text()[-3000:]) from None
    finally:
        server.close()
