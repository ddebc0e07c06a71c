# SPDX-License-Identifier: Apache-2.0
"""What comes after proof: sessions lost at each step, refusals of recipients and of the message, receivers that cannot take
it as it is, REQUIRETLS, and domains of which more is demanded or that have shown more before."""
from tests.lab.receiver import DEFAULT_FEATURES, Reply
from tests.lab.states.state import Host, Letter, State, Then


def features(*without, **replaced):
    return [replaced.get(f.split(" ")[0], f) for f in DEFAULT_FEATURES if f.split(" ")[0] not in without]


def mail_only(reply, usual="250 2.0.0 ok"):
    """A reply that only protected mail gets, not the notice."""
    return lambda session, _argument: usual if session.helo.startswith("notice.") else reply


def first(reply, usual="250 2.0.0 kept"):
    """A reply that is given once."""
    return [reply, usual]


def _proved(name, fate, reason, why="", level=None, letter=None, notice=None, retried=False, copies=1, **manner):
    return State(name, fate, reason, level, why, hosts=(Host(manner=manner, proved=True),), letter=letter or Letter(),
                 notice=notice, retried=retried, copies=copies)


def _delivered(name, why="", **words):
    return _proved(name, "delivered", "delivered", why, "pkix", **words)


class Once:
    """A harm that is done once: hangs up when a message is whole, or cuts content off at a number of bytes."""

    def __init__(self, size=0):
        self.size, self.done = size, False

    def __call__(self, _session, _message):
        if not self.done:
            self.done = True
            raise OSError("the lab hangs up")

    def __le__(self, seen):
        now, self.done = not self.done and seen >= self.size, self.done or seen >= self.size
        return now


LONG = Letter(repeat=3000)  # 300 KB
UTF8 = Letter(body="Grüße\r\n", options=("BODY=8BITMIME",))
NO_CHUNKS = features("CHUNKING")
REQUIRED = Letter(options=("REQUIRETLS",))
WITH_REQUIRETLS = [*DEFAULT_FEATURES, "REQUIRETLS"]


def _required(name, fate, reason, why, zone="plain", level=None, offers=True, policy=None, proved=None, notice=None,
              certificate=None, tlsa=()):
    manner = {"features": WITH_REQUIRETLS if offers else DEFAULT_FEATURES}
    host = Host(certificate={} if certificate is None else certificate, manner=manner, proved=proved, tlsa=tlsa)
    return State(name, fate, reason, level, why, hosts=(host,), zone=zone, letter=REQUIRED, policy=policy, notice=notice,
                 wire="REQUIRETLS" if fate == "delivered" else "")


def _show(certificate):
    """The first host shows another certificate."""
    def change(live):
        receiver = live.receivers[0]
        receiver.show_certificate(live.stage.certificate(receiver.host, live.domain, **certificate))
    return change


def _take_tls_away(live):
    live.receivers[0].offers_tls = False


STATES = [
    # lost
    _proved("lost-in-data", "delivered", "delivered", level="pkix", retried=True, letter=LONG,
            features=NO_CHUNKS, close_in_data=Once(1000)),
    _proved("lost-in-chunk", "delivered", "delivered", level="pkix", retried=True, letter=LONG, reset_in_data=Once(1000)),
    _proved("tls-lost-in-data", "delivered", "delivered", "a TLS close, the connection stays", level="pkix", retried=True,
            letter=LONG, features=NO_CHUNKS, tls_close_in_data=Once(1000)),
    _proved("lost-in-data-always", "later", "lost-before-end|lost-after-end", "all may be in the kernel's hands by then", letter=LONG, features=NO_CHUNKS, close_in_data=1000),
    _delivered("lost-after-dot", "before the 250: tried again, a copy may be there", retried=True, on_message=Once(),
               features=NO_CHUNKS),
    _delivered("closed-instead-of-250", retried=True, replies={"dot": first(Reply(None)), "bdat": first(Reply(None))}),
    _proved("never-a-250", "later", "lost-after-end", replies={"dot": mail_only(Reply(None)), "bdat": mail_only(Reply(None))}),
    _delivered("closed-after-mail", retried=True, replies={"mail": first(Reply(None))}),
    _delivered("closed-after-recipient", retried=True, replies={"rcpt": first(Reply(None))}),
    # refused
    _delivered("recipient-451-once", retried=True, replies={"rcpt": first("451 4.7.1 later")}),
    _proved("recipient-451", "later", "server-4xx", replies={"rcpt": mail_only("451 4.7.1 later")}, notice="proved"),
    _proved("recipient-550", "returned", "server-5xx", replies={"rcpt": "550 5.1.1 nobody here"}),
    _proved("sender-550", "returned", "server-5xx", replies={"mail": "550 5.7.1 not you"}),
    _proved("message-451", "later", "server-4xx", replies={"dot": mail_only("451 4.3.0 later"),
                                                           "bdat": mail_only("451 4.3.0 later")}),
    _proved("message-554", "returned", "server-5xx", replies={"dot": "554 5.7.1 spam", "bdat": "554 5.7.1 spam"}),
    _proved("data-554", "returned", "server-5xx", features=NO_CHUNKS, replies={"data": "554 5.5.1 no"}),
    _delivered("quit-without-answer", replies={"quit": Reply(None)}),
    State("some-recipients", {"one": "delivered", "bad": "returned", "two": "delivered"}, "", "pkix",
          letter=Letter(recipients=("one", "bad", "two")), hosts=(Host(proved=True, manner={"replies": {
              "rcpt": lambda _s, a: "550 5.1.1 no" if "bad@" in a else "250 2.1.5 ok"}}),)),
    State("some-recipients-later", {"one": "delivered", "slow": "delivered"}, "", "pkix",
          letter=Letter(recipients=("one", "slow")), copies=2, hosts=(Host(proved=True, manner={"replies": {
              "rcpt": [*["250 2.1.5 ok", "452 4.5.3 too many"], "250 2.1.5 ok"]}}),)),
    # not as it is
    _proved("no-8bitmime", "posted", "no-8bitmime", letter=UTF8, notice="proved", features=features("8BITMIME", "SMTPUTF8")),
    _delivered("no-8bitmime-seven-bit", features=features("8BITMIME", "SMTPUTF8")),
    _proved("no-smtputf8", "posted", "no-smtputf8", features=features("SMTPUTF8"),
            letter=Letter(recipients=("jürgen",), options=("SMTPUTF8", "BODY=8BITMIME"))),
    _delivered("smtputf8", letter=Letter(recipients=("jürgen",), options=("SMTPUTF8", "BODY=8BITMIME"))),
    _proved("size-too-small", "posted", "too-big", letter=LONG, notice="proved", features=features(SIZE="SIZE 20000")),
    _delivered("size-not-said", letter=LONG, features=features("SIZE")),
    _proved("size-552", "posted", "too-big", letter=LONG, replies={"mail": mail_only("552 5.3.4 too big")}),
    _delivered("nothing-but-starttls", features=[]),
    # REQUIRETLS (RFC 8689)
    _required("requiretls-signed", "delivered", "delivered", "DNSSEC protects the name", "signed", "pkix+dnssec"),
    _required("requiretls-dane", "delivered", "delivered", "", "nsd", "dane", certificate={"self_signed": True},
              tlsa=("3 1 1 own",)),
    _required("requiretls-sts", "delivered", "delivered", "a policy protects the name", level="sts", policy={}),
    _required("requiretls-unprotected-name", "posted", "proof-below-minimum", "pkix without DNSSEC or policy", proved=False),
    _required("requiretls-not-offered", "posted", "no-requiretls", "", "signed", offers=False, proved=True),
    # demands, pins and memory
    State("demand-dane", "posted", "proof-below-minimum", why="the operator asks for more than the domain shows",
          demand='minimum = "dane"', hosts=(Host(proved=False),)),
    State("demand-dnssec-met", "delivered", "delivered", "pkix+dnssec", zone="signed", demand='minimum = "pkix+dnssec"'),
    State("pin-of-key", "delivered", "delivered", "pkix",
          demand='pins = {{"sha256:{own}", "sha256:{nobody}"}}\n    pins-until = "2099-01-01"'),
    State("pin-of-authority", "delivered", "delivered", "pkix",
          demand='pins = {{"ca-sha256:{issuer}", "sha256:{nobody}"}}\n    pins-until = "2099-01-01"'),
    State("pin-of-others", "posted", "pin-mismatch", notice="held",
          demand='pins = {{"sha256:{someone}", "sha256:{nobody}"}}\n    pins-until = "2099-01-01"'),
    State("pin-that-ended", "delivered", "delivered", "pkix",
          demand='pins = {{"sha256:{someone}", "sha256:{nobody}"}}\n    pins-until = "2020-01-01"'),
    State("fallen-to-self-signed", "delivered", "delivered", "pkix", then=Then(
        _show({"self_signed": True}), "later", "proof-fell", notice="held", restart=True)),
    State("fallen-to-clear-text", "delivered", "delivered", "pkix", then=Then(
        _take_tls_away, "later", "proof-fell", notice="held", restart=True)),
    State("new-certificate", "delivered", "delivered", "pkix", then=Then(_show({}), "delivered", "delivered", "pkix")),
]
