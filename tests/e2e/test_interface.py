# SPDX-License-Identifier: Apache-2.0
"""What a stranger drives Sealpost by: init, the foreground daemon, its signals, the `sealpost` command with its JSON and
exit statuses, several instances side by side, and a resolver that believes the configuration only."""
import json
import os
import re
import signal
import smtplib
import socket
import subprocess
import time

import pytest

from tests.lab import readonly
from tests.lab.sealpost import letter, program

OK, FAILED, USAGE, UNREACHABLE, NOT_FOUND, TIMEOUT = range(6)


def test_init_writes_below_its_folder_only(tmp_path):
    readonly.require()
    folder = tmp_path / "instance"
    folder.mkdir()
    done = subprocess.run(readonly.command(folder, program("sealpost"), "init", folder / "here"), capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == OK, done.stderr
    assert (folder / "here/sealpost.conf").is_file()
    assert subprocess.run([program("sealpostd"), "--check", "-c", folder / "here/sealpost.conf"], timeout=60,
                          capture_output=True).returncode == 0


def test_init_does_not_overwrite(tmp_path):
    for expected in (True, False):
        done = subprocess.run([program("sealpost"), "init", tmp_path / "x"], capture_output=True, text=True, timeout=60)
        assert (done.returncode == OK) == expected
    assert done.stderr.strip()


def test_daemon_writes_below_its_folder_only(lab):
    """Only the instance's folder can be written; it starts, takes mail, delivers and stops."""
    readonly.require()
    sealpost = lab.sealpost(start=False)
    sealpost.launcher = readonly.command(sealpost.folder)
    sealpost.start()
    receiver = lab.receiver("tls13")
    assert sealpost.outcome(sealpost.submit(f"a@{receiver.domain}"))["state"] == "delivered"


@pytest.mark.parametrize("line,says", [("colour = \"red\"", "colour"), ("courier {\n retrry = {\"1s\"}\n}", "retry"),
                                       ("courier {\n hold = \"4 parsecs\"\n}", "hold")])
def test_wrong_configuration_names_file_and_line(lab, line, says):
    sealpost = lab.sealpost(start=False)
    text = sealpost.conf.read_text()
    sealpost.conf.write_text(text + "\n" + line + "\n")
    done = subprocess.run([program("sealpostd"), "-c", sealpost.conf], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "ready" not in done.stdout
    assert re.search(r"sealpost\.conf:\d+:", done.stderr) and says in done.stderr


def test_notifies_systemd_and_stops_within_ten_seconds(lab, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        path = str(tmp_path / "notify")
        notify.bind(path)
        notify.settimeout(20)
        sealpost = lab.sealpost(env={"NOTIFY_SOCKET": path})
        assert b"READY=1" in notify.recv(4096)
    client = sealpost.smtp()
    started = time.monotonic()
    sealpost.process.send_signal(signal.SIGTERM)
    code, text = client.getreply()
    assert code == 421 and text
    assert sealpost.stop() == 0
    assert time.monotonic() - started < 10


def test_hangup_reads_the_configuration_without_dropping_a_session(lab):
    sealpost = lab.sealpost()
    client = sealpost.smtp()
    sealpost.settings["limits.recipients"] = 1
    sealpost.write_configuration()
    sealpost.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with sealpost.smtp() as other:
            other.mail("doctor@clinic.test")
            other.rcpt("a@tls13.test")
            if other.rcpt("b@tls13.test")[0] == 452:
                break
        time.sleep(0.2)
    else:
        raise AssertionError("the new limit did not come")
    assert client.noop()[0] == 250
    client.close()


def test_instances_run_side_by_side(lab):
    receiver = lab.receiver("tls13")
    instances = [lab.sealpost() for _ in range(3)]
    ids = [i.submit(f"a{n}@{receiver.domain}") for n, i in enumerate(instances)]
    assert [i.outcome(m)["state"] for i, m in zip(instances, ids, strict=True)] == ["delivered"] * 3
    assert instances[0].run("trace", ids[1], check=False).returncode == NOT_FOUND


def test_rows_have_what_is_promised(lab, sealpost):
    good, bad = lab.receiver("tls13"), lab.receiver("expired")
    content = letter("doctor@clinic.test", ["x"], extra="Message-ID: <mine@clinic.test>\r\n")
    to = [f"a@{good.domain}", f"b@{bad.domain}"]
    message = sealpost.submit(to, content)
    rows = {r["recipient"]: r for r in sealpost.wait(message)}
    assert set(rows) == set(to)
    for row in rows.values():
        assert {"id", "message_id", "recipient", "state", "reason", "text", "proof", "next", "notice",
                "attempts"} <= set(row)
        assert row["message_id"].strip("<>") == "mine@clinic.test" and row["attempts"]
    assert rows[to[0]]["state"] == "delivered" and rows[to[0]]["proof"]
    assert rows[to[1]]["state"] == "posted" and rows[to[1]]["reason"] and rows[to[1]]["text"]
    assert rows[to[1]]["notice"]["state"]
    by_id = sealpost.rows("trace", "--message-id", "mine@clinic.test")
    assert {r["recipient"] for r in by_id} == set(to)
    assert [r["state"] for r in sealpost.rows("trace", "--recipient", to[1])] == ["posted"]
    for command in ("queue", "trace"):
        assert to[0] in sealpost.run(command, message).stdout  # the table for people
    json.loads(sealpost.run("status", "--json").stdout)
    json.loads(sealpost.run("check", "--json").stdout)


def test_reports_and_notices_are_counted_apart(lab, sealpost):
    """What Sealpost sends itself is no accepted mail: one letter with its notice and one return with its report are two."""
    before = sealpost.json("status")
    posted, refused = lab.receiver("expired"), lab.receiver("no", "tls13", replies={"rcpt": "550 5.1.1 nobody"})
    for receiver in posted, refused:
        sealpost.outcome(sealpost.submit(f"a@{receiver.domain}"))
    assert posted.wait_messages(1)
    after = sealpost.json("status")
    assert {k: after[k] - before[k] for k in ("accepted", "posted", "returned", "dsn_accepted")} == {
        "accepted": 2, "posted": 1, "returned": 1, "dsn_accepted": 1}
    assert sealpost.rows("queue") == []


def test_commands_that_act_answer_in_json(lab, sealpost):
    receiver = lab.receiver("tls13")
    message = sealpost.submit(f"a@{receiver.domain}")
    unknown = "00000000-0000-7000-8000-000000000000"
    assert sealpost.json("wait", message) == {"ok": True, "status": OK}
    assert sealpost.json("retry", "--all") == {"ok": True, "status": OK}
    refused = sealpost.run("release", unknown, "--json", check=False)
    assert json.loads(refused.stdout)["ok"] is False and refused.returncode == json.loads(refused.stdout)["status"] != OK
    user = sealpost.json("user", "add", "app3", "--from", "clinic.test")
    assert sealpost.json("user", "remove", "app3") == [user["id"]]


def test_evidence_is_what_the_receiver_saw(lab, sealpost):
    receiver = lab.receiver("tls12")
    row = sealpost.outcome(sealpost.submit(f"a@{receiver.domain}"))
    text = json.dumps(row)
    session = receiver.sessions[0]
    for word in (receiver.host, receiver.address, session.cipher, "1.2"):
        assert word in text, word
    assert receiver.certificate.fingerprint() in text.replace(":", "").lower()
    assert "250" in text  # the receiver's reply
    host = row["attempts"][0]["hosts"][0]
    assert host["mx_dnssec"] == host["host_dnssec"] == "insecure" and host["mx"] == host["host_dns"] == "ok"
    assert host["group"] == "x25519" and host["level"] == row["proof"] == "pkix" and host["verdict"] == "send"
    assert receiver.host == host["name_checked"] == host["name_matched"] and receiver.host in host["names"]
    assert host["text"] == "The recipient's mail server proved who it is."
    assert row["text"].startswith("The message was handed to the recipient's mail server over a proved")


def test_received_tells_how_the_mail_came_in(lab, sealpost):
    receiver = lab.receiver("tls13")
    message = sealpost.submit(f"a@{receiver.domain}")
    sealpost.wait(message)
    head = receiver.messages[0].data.partition(b"\r\n\r\n")[0].decode()
    received = re.match(r"Received: ([^\r]*(?:\r\n\t[^\r]*)*)", head)[1]
    assert "with ESMTPSA" in received and f"id {message}" in received and "by relay.test" in received
    assert re.search(r"version=TLSv1\.3 cipher=TLS_\w+ bits=(128|256)", received)
    assert receiver.domain not in received  # who gets it is not told to the others


def test_one_intake_and_one_courier_for_each_core(lab):
    sealpost = lab.sealpost(settings={"roles.intake": None, "roles.courier": None})
    roles = sealpost.roles()
    assert len(roles["intake"]) == len(roles["courier"]) == os.cpu_count()


def test_exit_statuses(lab, sealpost):
    receiver = lab.receiver("slow", "tls13", replies={"rcpt": "451 4.7.1 later"})
    message = sealpost.submit(f"a@{receiver.domain}")

    def status(*arguments):
        return sealpost.run(*arguments, check=False).returncode
    assert status("check") == OK
    assert status("frobnicate") == USAGE and status("wait") == USAGE
    assert status("trace", "00000000-0000-7000-8000-000000000000") == NOT_FOUND
    assert status("wait", message, "--timeout", "200ms") == TIMEOUT
    assert status("user", "add", "app2", "--from", "clinic.test") == OK
    assert status("user", "add", "app2", "--from", "clinic.test") == FAILED
    sealpost.stop()
    assert status("status") == UNREACHABLE


def test_retry_tries_at_once(lab):
    sealpost = lab.sealpost(settings={"courier.retry": ["10m"], "courier.hold": "1h"})
    receiver = lab.receiver("later", "tls13", replies={"rcpt": ["451 4.7.1 later", "250 2.1.5 ok"]})
    message = sealpost.submit(f"a@{receiver.domain}")
    receiver.wait_sessions(1)
    time.sleep(0.5)
    assert sealpost.trace(message)[0]["state"] == "queued" and sealpost.trace(message)[0]["next"]
    sealpost.run("retry", "--all")
    assert sealpost.outcome(message)["state"] == "delivered"


def test_password_is_random_shown_once_and_bound(lab, sealpost):
    one, two = sealpost.user("one"), sealpost.user("two", "elsewhere.test")
    assert len(one.password) >= 22 and one.password != two.password
    secret = one.password.encode()
    assert not [p for p in sealpost.folder.rglob("*") if p.is_file() and secret in p.read_bytes()]
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        sealpost.submit("a@tls13.test", user=two)
    assert refused.value.smtp_code == 550 and b"5.7.1" in refused.value.smtp_error
    with pytest.raises(smtplib.SMTPResponseException) as refused:  # the envelope may, the author may not
        sealpost.submit("a@tls13.test", letter("doctor@clinic.test", ["a@tls13.test"]), "x@elsewhere.test", user=two)
    assert refused.value.smtp_code == 550 and b"5.7.1" in refused.value.smtp_error


def test_removed_user_is_logged_out(lab, sealpost):
    receiver = lab.receiver("tls13")
    sealpost.user("other")
    gone, other = sealpost.smtp("app"), sealpost.smtp("other")
    assert sealpost.submit(f"a@{receiver.domain}", client=gone)
    sealpost.run("user", "remove", "app")
    with pytest.raises(smtplib.SMTPException):
        gone.mail("doctor@clinic.test")
        gone.mail("doctor@clinic.test")
    with pytest.raises(smtplib.SMTPAuthenticationError):
        sealpost.smtp("app")
    assert sealpost.submit(f"a@{receiver.domain}", client=other)


@pytest.mark.parametrize("sender", ["clinic..test", "x@@clinic.test", "under_score.test", "a@", "@", ""])
def test_user_of_an_impossible_sender_is_not_made(sealpost, sender):
    done = sealpost.run("user", "add", "app", "--from", "clinic.test", "--from", sender, check=False)
    assert done.returncode == USAGE and "neither a domain nor an address" in done.stderr
    assert sealpost.json("user", "list") == []


def test_trace_prints_nothing_a_terminal_obeys(lab, sealpost):
    """Escape sequences by ESC and by U+009B, a turn of the writing direction, and bytes that are no UTF-8."""
    receiver = lab.receiver("tls13")
    content = letter("doctor@clinic.test", ["a@tls13.test"], extra="Message-ID: <\x1b[2J\x9b31m\u202egnp.exe\u00e9@x>\r\n")
    named = letter("doctor@clinic.test", ["a@tls13.test"]).replace(b"\r\n", b"\r\nMessage-ID: <\xff\x9b@x>\r\n", 1)
    message = sealpost.submit(f"a@{receiver.domain}", content)
    text = sealpost.run("trace", message).stdout
    assert not set(text) & {"\x1b", "\x9b", "\u202e"} and "\u00e9@x>" in text and r"\xc2\x9b31m" in text
    text = sealpost.run("trace", sealpost.submit(f"a@{receiver.domain}", named)).stdout
    assert "\x9b" not in text


def test_resolver_believes_the_configuration_only(lab, tmp_path):
    """/etc/hosts and /etc/resolv.conf lie, and zones that resolvers like to answer themselves are asked for."""
    readonly.require()
    hosts, resolv = tmp_path / "hosts", tmp_path / "resolv.conf"
    hosts.write_text("127.0.0.99 mx.tls13.test mx.x.invalid mx.x.onion\n")
    resolv.write_text("nameserver 127.0.0.98\n")
    script = 'mount --bind "$0" /etc/hosts && mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'
    sealpost = lab.sealpost(start=False)
    sealpost.launcher = ["unshare", "-m", "--propagation", "private", "/bin/bash", "-c", script, str(hosts),
                         str(resolv)]
    sealpost.start()
    receivers = [lab.receiver("tls13")]
    for domain in ("x.invalid", "x.onion", "x.home.arpa", "x.localhost"):
        receivers.append(lab.host(f"mx.{domain}"))
        lab.dns.add(domain, "MX", f"10 mx.{domain}.")
    for receiver in receivers:
        domain = receiver.host.removeprefix("mx.")
        row = sealpost.outcome(sealpost.submit(f"a@{domain}"))
        assert row["state"] == "delivered", row
        assert len(receiver.messages) == 1
