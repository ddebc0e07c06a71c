# SPDX-License-Identifier: Apache-2.0
"""Strangers at the Message Center's door: odd requests, other protocols, forged headers, all routes without a session."""
import http.client
import re
import socket
import ssl
import time

import pytest

from tests.lab.net import ROOT
from tests.lab.reader import Browser, Page
from tests.scenario.center.stage import TOKEN
from tests.scenario.center.test_letter import open_letter

LETTER = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"


def routes():
    """The route table, read from its source."""
    text = (ROOT / "src/center/routes.c").read_text()
    found = re.findall(r'\{ROUTE_\w+, METHOD_(\w+), "([^"]+)", (true|false), (true|false)\}', text)
    assert len(found) >= 12
    return [(m, p, s == "true", c == "true") for m, p, s, c in found]


def filled(pattern):
    return pattern.replace("{token}", TOKEN).replace("{letter}", LETTER).replace("{n}", "1")


def request(stage, method, path, headers=None, body=None):
    connection = http.client.HTTPSConnection(stage.address, stage.port, timeout=30,
                                             context=ssl.create_default_context(cafile=str(stage.ca)))
    connection.request(method, path, body=body, headers=headers or {})
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read()
    connection.close()
    return found


@pytest.mark.parametrize("method,pattern,session,changes", routes())
def test_route_without_session(stage, method, pattern, session, changes):
    """Row 24: generated from the route table."""
    body = b"" if method == "POST" else None
    for cookie in (None, "__Host-sealpost=" + "A" * 43, "__Host-sealpost=short", "other=1",
                   "__Host-sealpost=" + "A" * 43 + "; __Host-sealpost=" + "B" * 43):
        status, headers, text = request(stage, method, filled(pattern), {"Cookie": cookie} if cookie else {}, body)
        if session:
            assert status in (401, 403)
            assert b"data-field" not in text and headers["Set-Cookie"] is None
        else:
            assert status == 200
    if changes:
        for forged in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
                       {"Origin": stage.base, "Sec-Fetch-Site": "cross-site"}):
            assert request(stage, method, filled(pattern), {"Cookie": "__Host-sealpost=" + "A" * 43, **forged}, body)[0] == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST", "OPTIONS", "TRACE", "CONNECT"])
def test_other_methods(stage, method):
    status = request(stage, method, "/style.css", body=b"")[0]
    assert status in (405, 501)


@pytest.mark.parametrize("path", ["/.git/config", "/debug", "/etc/passwd", "/l/../m", "//", "/m/", "/l/x", "/favicon.ico",
                                  "/style.css/..", "/%2e%2e/etc", "/l/" + TOKEN + "%00"])
def test_nothing_else_exists(stage, path):
    assert request(stage, "GET", path)[0] == 404


SECURITY = {
    "Content-Security-Policy": "default-src 'none'", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store", "Strict-Transport-Security": "max-age=", "Permissions-Policy": "camera=()",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY"}


def test_security_headers_everywhere(stage):
    browser, url = open_letter(stage)
    browser.open(url + "/a/2")
    browser.open(stage.base + "/nothing")
    for page_url, status, headers, _ in browser.pages:
        for name, value in SECURITY.items():
            assert value in headers[name], (page_url, status, name)
        assert headers.get_all("Content-Security-Policy") == [headers["Content-Security-Policy"]]


def test_attachments_are_never_pages(stage):
    """Row 28: HTML and SVG attachments are saved under a fixed type and run nowhere."""
    browser, url = open_letter(stage)
    for number, name in ((1, "*=UTF-8''Befund%20M%C3%BCller.pdf"), (2, '="passwd.html"'), (3, '="x.svg"')):
        _, headers, _, _ = browser.open(f"{url}/a/{number}")
        assert headers.get_content_type() == "application/octet-stream"
        assert headers["Content-Disposition"] == f"attachment; filename{name}"
        assert "sandbox" in headers["Content-Security-Policy"]


def test_host_is_not_believed(stage):
    """Row 29: no header of a client gets into a page, a link or a redirect."""
    for headers in ({"Host": "evil.test"}, {"X-Forwarded-Host": "evil.test"}, {"Forwarded": "host=evil.test"}):
        for method, path in (("GET", f"/l/{TOKEN}"), ("GET", "/"), ("POST", f"/l/{TOKEN}")):
            _, answer, body = request(stage, method, path, headers, b"" if method == "POST" else None)
            assert b"evil.test" not in body and "evil.test" not in str(answer)


def test_no_open_redirect(stage):
    browser = Browser(stage.ca)
    browser.open(stage.link, {})
    code = stage.code()
    action = next(f["action"] for f in Page(browser.pages[-1][3]).forms if "code" in f["fields"])
    status, headers, _ = request(stage, "POST", action + "&next=https://evil.test",
                                 {"Cookie": f"__Host-sealpost={next(iter(browser.jar)).value}", "Host": "evil.test",
                                  "Content-Type": "application/x-www-form-urlencoded"}, f"code={code}".encode())
    assert status == 403  # the form token is not the whole query
    status, headers, _ = request(stage, "POST", action,
                                 {"Cookie": f"__Host-sealpost={next(iter(browser.jar)).value}", "Host": "evil.test",
                                  "Content-Type": "application/x-www-form-urlencoded"}, f"code={code}".encode())
    assert status == 303 and re.fullmatch(r"/m/[0-9a-f-]{36}", headers["Location"])


def test_nothing_private_is_logged(stage):
    browser, _ = open_letter(stage)
    text = stage.log.read_text(errors="replace")
    for private in (TOKEN, next(iter(browser.jar)).value, "clinic.test", "Befund", "Müller"):
        assert private not in text


BAD = [b"GET / HTTP/1.1\nHost: a\n\n", b"EHLO me\r\nMAIL FROM:<a@b.test>\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n",
       b"GET / HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
       b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n x: y\r\n\r\n", b"\x00" * 100 + b"\r\n\r\n",
       b"POST /l/x HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n",
       b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 100 + b"\r\n", b"A" * 20000]


@pytest.mark.parametrize("data", BAD, ids=[str(i) for i in range(len(BAD))])
def test_bad_requests_end_the_connection(stage, data):
    answer = stage.raw(data + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
    assert re.match(rb"HTTP/1.1 (4\d\d|50[15]) ", answer)
    assert answer.count(b"HTTP/1.1 ") == 1 and b"Connection: close" in answer
    assert stage.alive()


def test_pipelined_requests_are_answered_in_order(stage):
    one = b"GET /icon.svg HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = stage.raw(one)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"200", b"404"]
    assert answer.count(b"<svg") == 1


def test_expect_continue(stage):
    with stage.socket() as s:
        s.sendall(f"POST /l/{TOKEN} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
                  "Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n\r\n".encode())
        assert s.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        s.sendall(b"a=b")
        assert s.recv(100).startswith(b"HTTP/1.1 200 ")


def test_other_protocols_are_refused(stage):
    """Row 30: a client that names another protocol gets no TLS session; one in the clear gets nothing."""
    with pytest.raises(ssl.SSLError):
        stage.socket(["smtp"])
    with pytest.raises(ssl.SSLError):
        stage.socket(["h2"])
    with stage.socket(["h2", "http/1.1"]) as s:
        assert s.selected_alpn_protocol() == "http/1.1"
    with socket.create_connection((stage.address, stage.port), timeout=30) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        try:
            assert b"HTTP" not in s.recv(1000)
        except ConnectionResetError:
            pass


def test_old_tls_is_refused(stage):
    context = ssl.create_default_context(cafile=str(stage.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        with socket.create_connection((stage.address, stage.port), timeout=30) as s:
            context.wrap_socket(s, server_hostname=stage.address)


def test_many_idle_connections_leave_room(stage):
    held = [stage.socket() for _ in range(60)]
    assert request(stage, "GET", "/")[0] == 200
    for s in held:
        s.close()
    time.sleep(0.2)
    assert request(stage, "GET", "/")[0] == 200


def test_flood_of_idle_connections_keeps_nobody_out(make_stage):
    """More connections than a process holds: the oldest idle ones go, a reader still gets in at once."""
    from tests.scenario.center import letters
    stage = make_stage(letters.html_only())
    held = [socket.create_connection((stage.address, stage.port), timeout=30) for _ in range(700)]
    start = time.monotonic()
    assert request(stage, "GET", f"/l/{TOKEN}")[0] == 200
    assert time.monotonic() - start < 5
    for s in held:
        s.close()


def test_store_away_is_503(make_stage):
    from tests.scenario.center import letters
    stage = make_stage(letters.html_only())
    stage.tell("deaf")
    start = time.monotonic()
    status, headers, _ = request(stage, "POST", f"/l/{TOKEN}", {}, b"")
    assert status == 503 and headers["Retry-After"]
    assert time.monotonic() - start < 15
    assert request(stage, "GET", f"/l/{TOKEN}")[0] == 200
