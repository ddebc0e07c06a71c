# SPDX-License-Identifier: Apache-2.0
"""The way of a reader: link, inert page, code, letter, attachments, new link, closing; and what the way must not show."""
import re
import time

import pytest

from tests.lab.reader import Browser, NotReadable, Page, read
from tests.scenario.center import letters
from tests.scenario.center.stage import OTHER_TOKEN, TOKEN


def open_letter(stage):
    """A browser that has the letter open, and the letter's URL."""
    browser = Browser(stage.ca)
    read(stage.link, lambda since: stage.code(), stage.ca, browser)
    return browser, browser.pages[-1][0].split("/a/")[0]


def test_whole_way(stage):
    letter = read(stage.link, lambda since: stage.code(), stage.ca)
    assert letter.headers == {
        "from": '"Dr. Ärztin" <doctor@clinic.test>', "to": "Frau Müller <mueller@patient.test>",
        "cc": "files@clinic.test", "subject": "Befund: <script>alert(1)</script> 日本語",
        "date": "Tue, 24 Nov 2026 05:30:00 +0000"}
    assert letter.text.strip() == letters.TEXT.strip()
    assert letter.attachments["Befund Müller.pdf"] == letters.PDF
    assert letter.attachments["passwd.html"].strip() == b"<script>alert(3)</script>"
    assert letter.attachments["x.svg"] == b"<svg onload='alert(4)'/>"
    assert len(letter.attachments) == 3


def test_whole_message_is_exact(stage):
    browser, url = open_letter(stage)
    status, headers, body, _ = browser.open(url + "/a/0")
    assert (status, headers.get_content_type()) == (200, "application/octet-stream")
    assert body == letters.MIXED


def test_get_and_head_ask_nobody(stage):
    browser = Browser(stage.ca)
    for method in ("GET", "HEAD", "GET"):
        status, headers, body, _ = browser.open(stage.link, method=method)
        assert status == 200
        assert headers["Set-Cookie"] is None
        assert bool(body) == (method == "GET")
    assert stage.quiet()


def test_code_is_bound_to_link_session_and_tries(stage):
    one, two = Browser(stage.ca), Browser(stage.ca)
    one.open(stage.link, {})
    code = stage.code()
    page = Page(one.pages[-1][3])
    action = next(f["action"] for f in page.forms if "code" in f["fields"])
    two.open(stage.link, {})
    stage.code()
    other = next(f["action"] for f in Page(two.pages[-1][3]).forms if "code" in f["fields"])
    assert two.open(stage.base + other, {"code": code})[0] == 403  # another browser's code
    assert two.open(stage.base + action, {"code": code})[0] == 403  # with the first one's form token
    assert Browser(stage.ca).open(stage.base + action, {"code": code})[0] == 401  # without a session
    wrong = f"{(int(code) + 1) % 10 ** 8:08d}"
    for _ in range(5):
        assert one.open(stage.base + action, {"code": wrong})[0] == 403
    assert one.open(stage.base + action, {"code": code})[0] == 403  # right, too late
    assert one.open(stage.base + action, {"code": "12ab"})[0] == 403


def test_code_works_once(stage):
    browser = Browser(stage.ca)
    browser.open(stage.link, {})
    code = stage.code()
    action = next(f["action"] for f in Page(browser.pages[-1][3]).forms if "code" in f["fields"])
    assert browser.open(stage.base + action, {"code": f" {code[:4]}-{code[4:]} "})[0] == 200
    assert browser.open(stage.base + action, {"code": code})[0] == 403


def without_tokens(text):
    return re.sub(r"[A-Za-z0-9_-]{43}|f=[0-9a-f]{32}", "*", text)


def test_unknown_link_looks_the_same(stage):
    """Same status, headers, page and time for a link that exists and one that does not (row 29)."""
    seen, times = [], []
    for token in (TOKEN, OTHER_TOKEN):
        browser = Browser(stage.ca)
        browser.open(f"{stage.base}/l/{token}")
        start = time.monotonic()
        browser.open(f"{stage.base}/l/{token}", {})
        times.append(time.monotonic() - start)
        assert stage.wait_for("code")[1] == ("known" if token == TOKEN else "unknown")
        action = next(f["action"] for f in Page(browser.pages[-1][3]).forms if "code" in f["fields"])
        browser.open(stage.base + action, {"code": "00000000"})
        browser.open(f"{stage.base}/l/{token}/new", {})
        stage.wait_for("link")
        seen.append([(status, sorted(k for k, _ in headers.items()), without_tokens(text))
                     for _, status, headers, text in browser.pages])
    assert seen[0] == seen[1]
    assert all(t >= 0.19 for t in times) and abs(times[0] - times[1]) < 0.35


@pytest.mark.parametrize("path", ["", "/a/0", "/a/1", "/a/99"])
def test_letter_needs_its_session(stage, path):
    letter = f"{stage.base}/m/0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
    assert Browser(stage.ca).open(letter + path)[0] == 401


def test_new_link_close_and_expiry(make_stage):
    stage = make_stage(letters.MIXED)
    browser, url = open_letter(stage)
    action = next(f["action"] for f in Page(browser.open(url)[2].decode()).forms if "logout" in f["action"])
    assert Browser(stage.ca).open(stage.base + action, {})[0] == 401
    assert browser.open(url + "/logout", {})[0] == 403  # no form token
    assert browser.open(url)[0] == 200
    assert browser.open(url + "/a/77")[0] == 404
    status, headers, _, _ = browser.open(stage.base + action, {})
    assert status == 200 and "Max-Age=0" in headers["Set-Cookie"]
    assert browser.open(url)[0] == 401
    stage.tell("expire")
    with pytest.raises(NotReadable):
        read(stage.link, lambda since: stage.code(), stage.ca)
    browser.open(f"{stage.link}/new", {})
    token, known = stage.wait_for("link")
    assert known == "known" and token != TOKEN
    assert read(f"{stage.base}/l/{token}", lambda since: stage.code(), stage.ca).text
    with pytest.raises(NotReadable):
        read(stage.link, lambda since: stage.code(), stage.ca)


def test_session_ends_when_the_store_says_so(make_stage):
    stage = make_stage(letters.html_only())
    browser, url = None, None
    browser = Browser(stage.ca)
    letter = read(stage.link, lambda since: stage.code(), stage.ca, browser)
    assert letter.text == "Hello\n\nSee this <https://a.test/x>\n"
    url = browser.open(stage.base + "/m/" + re.search(r"/m/([0-9a-f-]{36})", browser.pages[-1][3]).group(1))[3]
    stage.tell("forget")
    assert browser.open(url)[0] == 401


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(letters.BOMBS))
def test_bombs_end(make_stage, kind):
    """Row 19: shown in part or offered whole, within the time a child has; the service goes on."""
    letter = letters.BOMBS[kind]()
    stage = make_stage(letter)
    stage.child_may_crash = kind == "inner"
    browser = Browser(stage.ca)
    browser.open(stage.link, {})
    action = next(f["action"] for f in Page(browser.pages[-1][3]).forms if "code" in f["fields"])
    start = time.monotonic()
    status, _, body, url = browser.open(stage.base + action, {"code": stage.code()})
    assert status == 200 and b'class="whole"' in body
    assert time.monotonic() - start < 25
    assert browser.open(url + "/a/0")[2] == letter
    assert browser.open(stage.link)[0] == 200


def test_large_letter_streams(make_stage):
    """30 MB through the whole message and an attachment of it."""
    from email.message import EmailMessage
    content = bytes(i * 7 % 251 for i in range(1 << 20)) * 20
    m = EmailMessage()
    m["Subject"] = "large"
    m.set_content("small text")
    m.add_attachment(content, maintype="application", subtype="zip", filename="a.zip")
    letter = m.as_bytes().replace(b"\n", b"\r\n")
    stage = make_stage(letter)
    found = read(stage.link, lambda since: stage.code(), stage.ca)
    assert found.attachments == {"a.zip": content}
