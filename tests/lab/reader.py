# SPDX-License-Identifier: Apache-2.0
"""Reads a letter in the Message Center as a recipient does: link, inert page, button, one-time code, letter, downloads.
Only GET, POST, cookies and the marks that are promised to stay: one form, a field `code`, `data-field`, `pre#text`,
`a.attachment`."""
import http.cookiejar
import re
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser

CODE = re.compile(r"^[ \t]*(\d(?:[ -]?\d){5,9})[ \t]*\r?$", re.M)
LIMIT = 64 * 1024 * 1024


class NotReadable(Exception):
    """The letter did not open; the text says at which step."""


@dataclass
class Letter:
    headers: dict = field(default_factory=dict)      # data-field name -> text, lower case
    text: str = ""
    attachments: dict = field(default_factory=dict)  # file name -> bytes
    pages: list = field(default_factory=list)        # (URL, status, headers, text) of every page on the way


class Page(HTMLParser):
    """Forms with their fields, elements with data-field, pre#text and a.attachment of one page."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.forms, self.fields, self.text, self.attachments = [], {}, None, []
        self._catch = []  # (tag, depth of the same tag, sink)
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "form":
            self.forms.append({"action": a.get("action", ""), "method": a.get("method", "get").lower(), "fields": {}})
        elif tag in ("input", "button") and self.forms and a.get("name"):
            self.forms[-1]["fields"][a["name"]] = a.get("value") or ""
        for catch in self._catch:
            if catch[0] == tag:
                catch[1] += 1
        if a.get("data-field"):
            self._catch.append([tag, 1, ("field", a["data-field"].lower()), []])
        elif tag == "pre" and a.get("id") == "text":
            self._catch.append([tag, 1, ("text", None), []])
        elif tag == "a" and "attachment" in (a.get("class") or "").split():
            self._catch.append([tag, 1, ("attachment", (a.get("href"), a.get("download"))), []])

    def handle_endtag(self, tag):
        for catch in list(self._catch):
            if catch[0] == tag:
                catch[1] -= 1
                if catch[1] == 0:
                    self._catch.remove(catch)
                    self._take(catch[2], "".join(catch[3]))

    def handle_data(self, data):
        for catch in self._catch:
            catch[3].append(data)

    def _take(self, what, text):
        kind, detail = what
        if kind == "field":
            self.fields[detail] = text.strip()
        elif kind == "text":
            self.text = text
        else:
            self.attachments.append((detail[0], detail[1] or text.strip()))


class _NoRedirectOff(urllib.request.HTTPRedirectHandler):
    """Redirects are followed only on the same host: the Message Center never sends a reader elsewhere."""

    def redirect_request(self, request, *rest):
        new = super().redirect_request(request, *rest)
        if new and urllib.parse.urlsplit(new.full_url).netloc != urllib.parse.urlsplit(request.full_url).netloc:
            raise NotReadable(f"sent elsewhere: {new.full_url}")
        return new


class Browser:
    """One browser session: cookies, and the pages it has seen."""

    def __init__(self, authority):
        context = ssl.create_default_context(cafile=str(authority))
        self.jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _NoRedirectOff(),
                                                   urllib.request.HTTPCookieProcessor(self.jar))
        self.pages = []

    def open(self, url, data=None, method=None):
        """(status, headers, body bytes, final URL) of a request; an error status is an answer too."""
        body = urllib.parse.urlencode(data).encode() if data is not None else None
        request = urllib.request.Request(url, body, method=method, headers={"User-Agent": "lab"})
        if body is not None:
            parts = urllib.parse.urlsplit(url)
            request.add_header("Origin", f"{parts.scheme}://{parts.netloc}")
        try:
            with self._opener.open(request, timeout=30) as answer:
                found = answer.status, answer.headers, answer.read(LIMIT), answer.url
        except urllib.error.HTTPError as error:
            found = error.code, error.headers, error.read(LIMIT), error.url
        self.pages.append((url, found[0], found[1], found[2].decode("utf-8", "replace")))
        return found

    def page(self, url, data=None):
        """The parsed page, its URL; any status but 200 is NotReadable."""
        status, _, body, final = self.open(url, data)
        if status != 200:
            raise NotReadable(f"{status} from {url}")
        return Page(body.decode("utf-8")), final


def _form(page, url, wanted=None):
    """(action URL, fields) of the page's one POST form (the one that has a field, where wanted is given)."""
    forms = [f for f in page.forms if f["method"] == "post" and (wanted is None or wanted in f["fields"])]
    if len(forms) != 1:
        raise NotReadable(f"{len(forms)} forms at {url}, not one")
    return urllib.parse.urljoin(url, forms[0]["action"] or url), dict(forms[0]["fields"])


def read(link, code, authority, browser=None):
    """Reads the letter behind a link. code(since) returns the code mailed after the time since."""
    browser = browser or Browser(authority)
    page, url = browser.page(link)
    action, fields = _form(page, url)
    asked = time.time()
    page, url = browser.page(action, fields)
    action, fields = _form(page, url, "code")
    fields["code"] = code(asked)
    page, url = browser.page(action, fields)
    if page.text is None:
        raise NotReadable(f"no letter at {url}")
    letter = Letter(page.fields, page.text, {}, browser.pages)
    for href, name in page.attachments:
        status, headers, body, _ = browser.open(urllib.parse.urljoin(url, href))
        if status != 200:
            raise NotReadable(f"{status} for the attachment {name}")
        disposition = headers.get_content_disposition()
        if disposition != "attachment":
            raise NotReadable(f"attachment {name} is served as {disposition}")
        letter.attachments[headers.get_filename() or name] = body
    return letter
