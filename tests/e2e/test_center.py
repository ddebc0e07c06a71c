# SPDX-License-Identifier: Apache-2.0
"""The Message Center inside the whole system: codes and links really travel, really end, and survive every process."""
import email
import email.policy
import re
import time
from email.message import EmailMessage

import pytest

from tests.lab.reader import CODE, Browser, NotReadable, Page, read

TEXT = "Grüße, your value is 4.1 & fine.\n"
DATA = bytes(range(256)) * 700  # beyond what a record carries inside
LINK = re.compile(r"https://\S+/l/[A-Za-z0-9_-]{43}")


def content(recipient):
    m = EmailMessage()
    m["From"] = "Dr. Ada <doctor@clinic.test>"
    m["To"] = recipient
    m["Subject"] = "Befund Nr. 7"
    m["Date"] = "Tue, 24 Nov 2026 05:30:00 +0000"
    m.set_content(TEXT)
    m.add_attachment(DATA, maintype="application", subtype="octet-stream", filename="Werte.bin")
    return m.as_bytes(policy=email.policy.SMTP)


def body_of(message):
    return email.message_from_bytes(message.data, policy=email.policy.default).get_content()


class Posted:
    """A letter posted because its receiver shows a self-signed certificate, and the mailbox of its recipient."""

    def __init__(self, lab, state="self-signed", **settings):
        self.sealpost = lab.sealpost(settings=settings)
        self.receiver = lab.receiver(state)
        self.recipient = f"patient@{self.receiver.domain}"
        self.content = content(self.recipient)
        self.id = self.sealpost.submit(self.recipient, self.content, "doctor@clinic.test")
        assert self.sealpost.outcome(self.id)["state"] == "posted"
        self.authority = lab.authority.root_file
        self.seen = 0
        self.link = self.next_mail(LINK)[0]

    def next_mail(self, pattern, timeout=30):
        """What the pattern matches in the next mail that has it."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            messages = self.receiver.wait_messages(self.seen + 1, max(0.1, end - time.monotonic()))
            for message in messages[self.seen:]:
                self.seen += 1
                found = pattern.search(body_of(message))
                if found:
                    return found
        raise NotReadable(f"no mail with {pattern.pattern} within {timeout} s")

    def code(self, _since=None):
        return self.next_mail(CODE)[1]

    def no_mail(self, seconds):
        return len(self.receiver.wait_messages(self.seen + 1, seconds)) == self.seen

    def read(self, link=None, browser=None):
        return read(link or self.link, self.code, self.authority, browser)

    def ask(self, link=None):
        """A browser on the code page, and where its form goes."""
        browser = Browser(self.authority)
        assert browser.open(link or self.link, {})[0] == 200
        form = next(f for f in Page(browser.pages[-1][3]).forms if "code" in f["fields"])
        return browser, self.sealpost.base_url + form["action"]


@pytest.fixture
def posted(lab):
    return Posted(lab)


def check(letter):
    assert letter.headers["subject"] == "Befund Nr. 7"
    assert letter.headers["from"] == '"Dr. Ada" <doctor@clinic.test>'
    assert letter.text.strip() == TEXT.strip()
    assert letter.attachments == {"Werte.bin": DATA}


def test_letter_arrives_whole(posted):
    """What was submitted is what can be saved, but for the lines that submission puts on top."""
    browser = Browser(posted.authority)
    check(posted.read(browser=browser))
    url = browser.pages[-1][0].rsplit("/a/", 1)[0]
    saved = browser.open(url + "/a/0")[2]
    assert saved.endswith(posted.content.partition(b"From: ")[2])
    token = posted.link.rsplit("/", 1)[1]
    log = posted.sealpost.log_text()
    for private in (token, posted.recipient, "Befund", next(iter(browser.jar)).value):
        assert private not in log


def test_mails_and_pages_hold_what_is_promised(posted):
    """What programs may build on: one URL in the notice, one POST form, one field, a code alone on its line."""
    notice = body_of(posted.receiver.messages[0])
    assert re.findall(r"https?:\S*", notice) == [posted.link] and posted.link.startswith(f"{posted.sealpost.base_url}/l/")
    browser = Browser(posted.authority)
    assert browser.open(posted.link)[0] == 200
    assert [f["method"].upper() for f in Page(browser.pages[-1][3]).forms] == ["POST"]
    browser, _ = posted.ask()
    forms = [f for f in Page(browser.pages[-1][3]).forms if "code" in f["fields"]]
    assert [f["method"].upper() for f in forms] == ["POST"]
    assert re.findall(r"<input[^>]* name=\"([^\"]+)\"", browser.pages[-1][3]) == ["code"]
    code = posted.next_mail(CODE)[1]
    assert code in body_of(posted.receiver.messages[posted.seen - 1]).splitlines()


def test_letter_outlives_every_process(posted):
    """Each role is killed between two readings, then the whole instance is started anew; open sessions may end, links
    and letters may not."""
    for role in ("web", "scrub", "keyd", "store"):
        posted.sealpost.kill_role(role)
        end = time.monotonic() + 30
        while True:
            try:
                check(posted.read())
                break
            except (NotReadable, OSError):
                assert time.monotonic() < end, f"after {role} was killed"
                time.sleep(0.3)
    posted.sealpost.restart()
    check(posted.read())


def test_link_expires_and_a_new_one_opens(lab):
    posted = Posted(lab, **{"center.link-lifetime": "3s"})
    time.sleep(3.2)
    browser, action = posted.ask()
    assert posted.no_mail(2)  # the same page, but no code
    assert browser.open(action, {"code": "12345678"})[0] == 403
    assert browser.open(posted.link + "/new", {})[0] == 200
    fresh = posted.next_mail(LINK)[0]
    assert fresh != posted.link
    check(posted.read(fresh))


def test_code_expires_and_another_opens(lab):
    posted = Posted(lab, **{"center.code-lifetime": "3s"})
    browser, action = posted.ask()
    code = posted.code()
    time.sleep(3.2)
    assert browser.open(action, {"code": code})[0] == 403
    check(posted.read())


def test_guessing_ends(lab):
    posted = Posted(lab, **{"center.code-tries": 3})
    browser, action = posted.ask()
    code = posted.code()
    wrong = f"{(int(code.replace(' ', '')) + 1) % 10 ** 8:08d}"
    for _ in range(3):
        assert browser.open(action, {"code": wrong})[0] == 403
    assert browser.open(action, {"code": code})[0] == 403


def test_idle_session_ends(lab):
    posted = Posted(lab, **{"center.session-idle": "2s"})
    browser = Browser(posted.authority)
    check(posted.read(browser=browser))
    url = browser.pages[-1][0].rsplit("/a/", 1)[0]
    for _ in range(4):  # use keeps it open
        time.sleep(0.9)
        assert browser.open(url)[0] == 200
    time.sleep(2.6)
    assert browser.open(url)[0] == 401
    assert browser.open(url + "/a/1")[0] == 401


def test_letter_expires(lab):
    posted = Posted(lab, **{"center.letter-lifetime": "6s"})
    browser = Browser(posted.authority)
    check(posted.read(browser=browser))
    url = browser.pages[-1][0].rsplit("/a/", 1)[0]
    time.sleep(6.2)
    assert browser.open(url)[0] == 401
    posted.ask()
    assert posted.no_mail(1.5)
    assert browser.open(posted.link + "/new", {})[0] == 200
    assert posted.no_mail(1.5)


def test_one_reader_cannot_reach_another_letter(lab):
    """Rows 10 and 24: two letters of two recipients; the session of one opens nothing of the other."""
    one = Posted(lab)
    browser = Browser(one.authority)
    check(one.read(browser=browser))
    url = browser.pages[-1][0].rsplit("/a/", 1)[0]
    other = lab.receiver("expired")
    two = one.sealpost.submit(f"b@{other.domain}", content(f"b@{other.domain}"), "doctor@clinic.test")
    assert one.sealpost.outcome(two)["state"] == "posted"
    link = LINK.search(body_of(other.wait_messages(1)[0]))[0]
    stranger = Browser(one.authority)
    read(link, lambda since: CODE.search(body_of(other.wait_messages(2)[1]))[1], one.authority, stranger)
    assert stranger.open(url)[0] == 401 and stranger.open(url + "/a/1")[0] == 401
    assert browser.open(url)[0] == 200
    cookie = next(iter(stranger.jar)).value
    assert cookie != next(iter(browser.jar)).value
