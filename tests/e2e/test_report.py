# SPDX-License-Identifier: Apache-2.0
"""Reports about TLS (RFC 8460): what couriers counted reaches the domains that ask, once, signed, and says what the receivers
saw; without a contact nothing is counted; what others write can be read, and what is hostile is refused."""
import base64
import datetime
import email
import gzip
import http.server
import json
import re
import smtplib
import ssl
import threading
import time

import dkim
import pytest

from tests.e2e.test_demands import SignedLab, delivered, send
from tests.lab.policy import PolicyHost

CONTACT = {"report.contact": "tls-reports@relay.test", "report.count-every": "200ms"}
RESULTS = {"starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted",
           "validation-failure", "tlsa-invalid", "dnssec-invalid", "dane-required", "sts-policy-fetch-error",
           "sts-policy-invalid", "sts-webpki-invalid"}


@pytest.fixture
def lab():
    with SignedLab() as one:
        yield one
        one.check_and_stop()


def today():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")


def order(sealpost, day=None):
    """Begins the day's reports, when an earlier run is over."""
    end = time.monotonic() + 20
    while sealpost.run("report", "send", "--day", day or today(), check=False).returncode != 0:
        assert time.monotonic() < end
        time.sleep(0.2)


def asks(lab, domain, rua):
    lab.dns.add(f"_smtp._tls.{domain}", "TXT", f'"v=TLSRPTv1; rua={rua}"')


def report_in(message):
    """The mail's report, checked for its shape (RFC 8460 5.3)."""
    mail = email.message_from_bytes(message.data)
    assert mail.get_content_type() == "multipart/report" and mail.get_param("report-type") == "tlsrpt"
    part = mail.get_payload()[1]
    assert part.get_content_type() == "application/tlsrpt+gzip"
    name = part.get_filename()
    assert re.fullmatch(r"relay\.test![a-z0-9.-]+!\d+!\d+![0-9a-f-]+\.json\.gz", name), name
    return mail, check_report(json.loads(gzip.decompress(part.get_payload(decode=True))))


def check_report(report):
    """A check of our own by RFC 8460 section 4.4, which shares nothing with the program's reader."""
    assert set(report) == {"organization-name", "date-range", "contact-info", "report-id", "policies"}
    for key in ("start-datetime", "end-datetime"):
        datetime.datetime.fromisoformat(report["date-range"][key].replace("Z", "+00:00"))
    assert report["policies"]
    for entry in report["policies"]:
        policy, summary = entry["policy"], entry["summary"]
        assert policy["policy-type"] in ("sts", "tlsa", "no-policy-found")
        assert isinstance(policy.get("policy-string", []), list) and isinstance(policy.get("mx-host", []), list)
        failures = entry.get("failure-details", [])
        assert all(f["result-type"] in RESULTS and f["failed-session-count"] > 0 for f in failures)
        assert sum(f["failed-session-count"] for f in failures) == summary["total-failure-session-count"]
    return report


def summary(report, kind):
    found = [e for e in report["policies"] if e["policy"]["policy-type"] == kind]
    assert len(found) == 1, report
    return found[0], (found[0]["summary"]["total-successful-session-count"], found[0]["summary"]["total-failure-session-count"])


def key_record(sealpost):
    """What `sealpost report key` tells to publish: name and value."""
    line = sealpost.run("report", "key")
    line = line if isinstance(line, str) else line.stdout
    return line.split(" IN TXT ")[0], "".join(re.findall(r'"([^"]*)"', line))


def test_a_day_is_reported_once_signed_and_true(lab):
    sealpost = lab.sealpost({**CONTACT, "report.organization": "Lab Clinic Ltd"})
    receiver, box = lab.dane("asker"), lab.receiver("box")
    quiet = lab.dane("quiet")
    asks(lab, receiver.domain, f"mailto:tls@{box.domain}")
    for n in range(2):
        delivered(sealpost, receiver, send(sealpost, f"p{n}@{receiver.domain}"))
    delivered(sealpost, quiet, send(sealpost, f"q@{quiet.domain}"))
    order(sealpost)
    box.wait_messages(1)
    mail, report = report_in(box.messages[0])
    entry, counts = summary(report, "tlsa")
    assert counts == (len([s for s in receiver.sessions if s.tls]), 0)
    assert entry["policy"]["policy-domain"] == receiver.domain and entry["policy"]["policy-string"][0].startswith("3 1 1 ")
    assert report["organization-name"] == "Lab Clinic Ltd" and report["contact-info"] == "tls-reports@relay.test"
    assert mail["TLS-Report-Domain"] == receiver.domain and mail["TLS-Report-Submitter"] == "relay.test"
    name, value = key_record(sealpost)
    assert name == "sealpost._domainkey.relay.test."
    assert dkim.verify(box.messages[0].data, tlsrpt="strict", dnsfunc=lambda n, timeout=5: value.encode() if n.decode() == name else None)
    assert b"p0@" not in gzip.decompress(email.message_from_bytes(box.messages[0].data).get_payload()[1].get_payload(decode=True))
    # again, with more counts and after a restart: the day is at its end
    sealpost.restart()
    delivered(sealpost, receiver, send(sealpost, f"late@{receiver.domain}"))  # over a connection of its own
    order(sealpost)
    other = lab.dane("marker")
    asks(lab, other.domain, f"mailto:tls@{box.domain}")
    delivered(sealpost, other, send(sealpost, f"m@{other.domain}"))
    order(sealpost)
    box.wait_messages(2)
    order(sealpost)  # taken when the run before is over
    domains = [email.message_from_bytes(m.data)["TLS-Report-Domain"] for m in box.messages]
    assert domains == [receiver.domain, other.domain]


def patient(sealpost, to):
    """As send(), while the store comes back."""
    end = time.monotonic() + 20
    while True:
        try:
            return send(sealpost, to)
        except smtplib.SMTPException:
            assert time.monotonic() < end
            time.sleep(0.2)


def test_counts_survive_a_restart_and_a_killed_store(lab):
    sealpost = lab.sealpost(CONTACT)
    receiver, box = lab.dane("asker"), lab.receiver("box")
    asks(lab, receiver.domain, f"mailto:tls@{box.domain}")
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    sealpost.restart()
    delivered(sealpost, receiver, send(sealpost, f"b@{receiver.domain}"))
    time.sleep(1)
    sealpost.kill_role("store")
    delivered(sealpost, receiver, patient(sealpost, f"c@{receiver.domain}"))
    order(sealpost)
    box.wait_messages(1)
    _, report = report_in(box.messages[0])
    assert summary(report, "tlsa")[1] == (len([s for s in receiver.sessions if s.tls]), 0)


def test_a_policy_in_testing_is_told_its_failures(lab):
    policies = PolicyHost(lab)
    sealpost = lab.sealpost({**CONTACT, "resolver.sts-port": policies.port})
    lab.dns.delegate_unsigned("tries.test.")
    receiver, box = lab.receiver("tries", "wrong-name"), lab.receiver("box")
    policies.publish(receiver.domain, mode="testing")
    asks(lab, receiver.domain, f"mailto:tls@{box.domain}")
    sealpost.outcome(send(sealpost, f"a@{receiver.domain}")[1])
    order(sealpost)
    box.wait_messages(1)
    _, report = report_in(box.messages[0])
    entry, (good, bad) = summary(report, "sts")
    assert good == 0 and bad >= 1
    failure = entry["failure-details"][0]
    assert failure["result-type"] == "certificate-host-mismatch"
    assert failure["receiving-mx-hostname"] == receiver.host and failure["sending-mta-ip"] == sealpost.source
    assert "mode: testing" in entry["policy"]["policy-string"] and entry["policy"]["mx-host"] == [receiver.host]
    policies.close()


class Taker(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, self.headers["Content-Type"], body))
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def taker(lab):
    address = lab.net.address()
    server = http.server.ThreadingHTTPServer((address, lab.net.free_port(address)), Taker)
    server.taken = []
    certificate = lab.certificate("reports.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain_file, certificate.key_file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    lab.dns.add("reports.test", "A", address)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_report_is_posted_to_an_https_address(lab, taker):
    sealpost = lab.sealpost(CONTACT)
    receiver = lab.dane("web")
    asks(lab, receiver.domain, f"https://reports.test:{taker.server_address[1]}/v1/tls")
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    order(sealpost)
    end = time.monotonic() + 20
    while not taker.taken:
        assert time.monotonic() < end
        time.sleep(0.1)
    path, kind, body = taker.taken[0]
    assert path == "/v1/tls" and kind == "application/tlsrpt+gzip"
    assert summary(check_report(json.loads(gzip.decompress(body))), "tlsa")[1][0] == len(receiver.sessions)


def test_without_a_contact_nothing_is_counted(lab):
    sealpost = lab.sealpost()
    receiver = lab.dane("asker")
    asks(lab, receiver.domain, "mailto:tls@box.test")
    delivered(sealpost, receiver, send(sealpost, f"a@{receiver.domain}"))
    refused = sealpost.run("report", "send", check=False)
    assert refused.returncode == 1 and "reports are off" in refused.stderr
    sealpost.settings.update(CONTACT)
    sealpost.write_configuration()
    sealpost.restart()
    other, box = lab.dane("marker"), lab.receiver("box")
    asks(lab, other.domain, f"mailto:tls@{box.domain}")
    delivered(sealpost, other, send(sealpost, f"m@{other.domain}"))
    order(sealpost)
    box.wait_messages(1)
    order(sealpost)  # taken when the run before is over
    assert not lab.dns.asked(f"_smtp._tls.{receiver.domain}")


# --- reading ---

# In the shapes that other writers give: members, order, kinds of values; the content is made up.
RFC_SHAPE = {"organization-name": "Company-X", "date-range": {"start-datetime": "2026-04-01T00:00:00Z",
             "end-datetime": "2026-04-01T23:59:59Z"}, "contact-info": "sts-reporting@company-x.example",
             "report-id": "5065427c-23d3@company-x.example", "policies": [{
                 "policy": {"policy-type": "sts", "policy-string": ["version: STSv1", "mode: testing", "mx: *.mail.company-y.example",
                            "max_age: 86400"], "policy-domain": "company-y.example", "mx-host": "*.mail.company-y.example"},
                 "summary": {"total-successful-session-count": 5326, "total-failure-session-count": 303},
                 "failure-details": [{"result-type": "certificate-expired", "sending-mta-ip": "2001:db8:abcd:12::1",
                                      "receiving-mx-hostname": "mx1.mail.company-y.example", "failed-session-count": 100},
                                     {"result-type": "validation-failure", "sending-mta-ip": "198.51.100.62",
                                      "receiving-ip": "203.0.113.58", "receiving-mx-hostname": "mx-backup.mail.company-y.example",
                                      "failed-session-count": 203, "failure-reason-code": "X509_V_ERR_PROXY_PATH"}]}]}
MANY_HOSTS = {"organization-name": "Big Mail", "date-range": {"start-datetime": "2026-05-02T00:00:00Z",
              "end-datetime": "2026-05-02T23:59:59Z"}, "contact-info": "smtp-tls-reporting@big.example",
              "report-id": "2026-05-02T00:00:00Z_clinic.example", "policies": [{"policy": {"policy-type": "sts",
              "policy-string": ["version: STSv1", "mode: enforce", "mx: a.example", "max_age: 604800"],
              "policy-domain": "clinic.example", "mx-host": ["a.example", "b.example"]},
              "summary": {"total-successful-session-count": 12, "total-failure-session-count": 0}}]}
NO_POLICY = {"organization-name": "Other", "date-range": {"start-datetime": "2026-05-02T00:00:00Z",
             "end-datetime": "2026-05-03T00:00:00Z"}, "contact-info": "postmaster@other.example", "report-id": "1.2@other.example",
             "policies": [{"policy": {"policy-type": "no-policy-found", "policy-domain": "clinic.example"},
                           "summary": {"total-successful-session-count": 1, "total-failure-session-count": 1},
                           "failure-details": [{"result-type": "starttls-not-supported", "failed-session-count": 1}]}]}


def mail_with(data, kind="application/tlsrpt+gzip", name="r.json.gz"):
    return (b"From: <a@b.example>\r\nSubject: Report\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report;\r\n"
            b' report-type="tlsrpt"; boundary="=_x"\r\n\r\n--=_x\r\nContent-Type: text/plain\r\n\r\nwords\r\n--=_x\r\n'
            b"Content-Type: " + kind.encode() + b"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment;"
            b' filename="' + name.encode() + b'"\r\n\r\n' + base64.encodebytes(data) + b"\r\n--=_x--\r\n")


@pytest.fixture
def reader(lab):
    sealpost = lab.sealpost(start=False, domain=None)

    def read(data, *more, check=True):
        path = sealpost.folder / "in"
        path.write_bytes(data)
        return sealpost.run("report", "read", *more, str(path), check=check)
    return read


def text_of(done):
    return done if isinstance(done, str) else done.stdout


@pytest.mark.parametrize("report", [RFC_SHAPE, MANY_HOSTS, NO_POLICY], ids=["rfc", "many-hosts", "no-policy"])
def test_reports_of_others_are_read_in_every_wrapping(reader, report):
    plain = json.dumps(report).encode()
    packed = gzip.compress(plain)
    first = report["policies"][0]
    wrapped = [plain, b"\xef\xbb\xbf" + plain, packed, mail_with(packed), mail_with(plain, "application/tlsrpt+json", "r.json"),
               mail_with(packed, "application/gzip"), mail_with(packed).replace(b"\r\n", b"\n")]
    for data in wrapped:
        shown = json.loads(text_of(reader(data, "--json")))
        assert shown["report-id"] == report["report-id"]
        assert shown["policies"][0]["summary"] == first["summary"]
        assert shown["policies"][0].get("failure-details", []) == first.get("failure-details", [])
    words = text_of(reader(packed))
    assert f"{first['summary']['total-successful-session-count']} connections proved themselves" in words
    assert all(f["result-type"] in words for f in first.get("failure-details", []))


@pytest.mark.parametrize("data", [
    gzip.compress(b" " * (64 << 20) + b"{}"), b"", b"{", b"[]", b"\x1f\x8b\x08garbage", b"Subject: nothing\r\n\r\nhello\r\n",
    mail_with(b"\x1f\x8b\x08\x00broken"), b"{\"a\":" * 5000, json.dumps({**RFC_SHAPE, "policies": "x"}).encode(),
    json.dumps({**RFC_SHAPE, "report-id": "x" * 100000}).encode(), b"A" * (3 << 20),
    b"Content-Type: multipart/mixed; boundary=a\r\n\r\n" + b"--a\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" * 3000,
], ids=["bomb", "empty", "cut", "array", "gzip", "mail", "mail-gzip", "deep", "kinds", "long", "big", "nested"])
def test_hostile_reports_are_refused_in_a_sentence(reader, data):
    done = reader(data, check=False)
    assert done.returncode == 1 and done.stderr.startswith("sealpost: ") and done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_report_cannot_steer_the_terminal(reader):
    hostile = json.loads(json.dumps(RFC_SHAPE))
    hostile["organization-name"] = "x\x1b[2J\npolicy    forged‮"
    words = text_of(reader(json.dumps(hostile).encode()))
    assert "\x1b" not in words and "‮" not in words and not any(line.startswith("policy    forged") for line in words.split("\n"))
