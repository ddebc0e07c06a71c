# SPDX-License-Identifier: Apache-2.0
"""The command tests/tools/read-letter, with codes from a mailbox file, a folder and a command."""
import html
import json
import re
import subprocess
import threading
import time

import pytest

from tests.lab.net import ROOT
from tests.scenario.center import letters
from tests.scenario.center.stage import TOKEN

TOOL = ROOT / "tests/tools/read-letter"
MAIL = ("From: notice@clinic.test\nTo: mueller@patient.test\nSubject: Your code\nMIME-Version: 1.0\n"
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        "Your code for today =E2=80=93 it is:\n\n{code}\n\nIt is good for 30 minutes.\n")


def deliver(stage, write):
    """Waits for the code and writes the mail that carries it."""
    def work():
        code = stage.code()
        time.sleep(0.3)
        write(MAIL.format(code=code))
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def run(*options):
    return subprocess.run([TOOL, *map(str, options)], capture_output=True, text=True, timeout=90, check=False)


def check(done, saved):
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["headers"]["to"] == "Frau Müller <mueller@patient.test>"
    assert found["text"].strip() == letters.TEXT.strip()
    assert {a["name"] for a in found["attachments"]} == {"Befund Müller.pdf", "passwd.html", "x.svg"}
    assert sorted(p.read_bytes() for p in saved.iterdir())[0] is not None
    assert letters.PDF in [p.read_bytes() for p in saved.iterdir()]


def test_mailbox_file(stage, tmp_path):
    box = tmp_path / "mbox"
    box.write_text("From x Tue Nov 24 05:30:00 2026\n" + MAIL.format(code="11111111"))
    def write(text):
        with open(box, "a", encoding="utf-8") as f:
            f.write("\nFrom x Tue Nov 24 05:31:00 2026\n" + text)
    thread = deliver(stage, write)
    done = run("--link", stage.link, "--code-from", box, "--cacert", stage.ca, "--save", tmp_path / "saved")
    thread.join(10)
    check(done, tmp_path / "saved")


def test_folder_and_resolve(stage, tmp_path):
    folder = tmp_path / "mails"
    folder.mkdir()
    (folder / "1").write_text(MAIL.format(code="11111111"))
    thread = deliver(stage, lambda text: (folder / "2").write_text(text))
    done = run("--link", stage.link, "--code-from", folder, "--cacert", stage.ca, "--save", tmp_path / "saved",
               "--resolve", f"unused.test:1:{stage.address}")
    thread.join(10)
    check(done, tmp_path / "saved")


@pytest.mark.parametrize("link", ["{base}/l/short", "{base}/nothing", "{base}/l/" + TOKEN])
def test_failure_says_why(stage, link):
    done = run("--link", link.format(base=stage.base), "--code-cmd", "echo 00000000", "--cacert", stage.ca)
    assert done.returncode == 1 and done.stderr.startswith("read-letter: ")


def test_curl_suffices(stage, tmp_path):
    """Nothing but curl with a cookie jar and the marks that are promised to stay."""
    def curl(*options):
        done = subprocess.run(["curl", "-sS", "--cacert", str(stage.ca), "-b", "jar", "-c", "jar", "-L", *options],
                              cwd=tmp_path, capture_output=True, timeout=60, check=True)
        return done.stdout
    page = curl(stage.link).decode()
    action = re.search(r'<form method="post" action="([^"]+)"', page).group(1)
    page = curl("-X", "POST", "-d", "", stage.base + action).decode()
    action = re.search(r'<form method="post" action="([^"]+)">\s*<label[^>]*>[^<]*</label>\s*<input id="code" name="code"', page).group(1)
    page = curl("-d", f"code={stage.code()}", stage.base + html.unescape(action)).decode()
    assert html.unescape(re.search(r'<pre id="text"[^>]*>(.*?)</pre>', page, re.S).group(1)).strip() == letters.TEXT.strip()
    assert re.search(r'data-field="cc"[^>]*>files@clinic.test<', page)
    hrefs = re.findall(r'<a class="attachment" href="([^"]+)"', page)
    assert len(hrefs) == 3 and curl(stage.base + hrefs[0]) == letters.PDF
