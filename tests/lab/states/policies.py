# SPDX-License-Identifier: Apache-2.0
"""MTA-STS (RFC 8461): policies in each mode, and every way in which a record, a policy host or a policy can be wrong. A
broken one is never a reason for less than certificates prove, and never forgets what is kept."""
from tests.lab.policy import ABSENT, policy_text, record_text
from tests.lab.states.state import Host, State, Then

BAD = {"self_signed": True}
ELSEWHERE = ["mx.elsewhere.test"]


def _sts(name, why="", host=None, **policy):
    return State(name, "delivered", "delivered", "sts", why, hosts=(host or Host(),), policy=policy)


def _less(name, why="", **policy):
    """No policy is in force: the certificate alone counts."""
    return State(name, "delivered", "delivered", "pkix", why, policy=policy)


def _refused(name, reason, why="", hosts=None, fate="posted", notice="held", **policy):
    return State(name, fate, reason, None, why, hosts=hosts or (Host(proved=False),), policy=policy, notice=notice)


def _changed(name, first, second, then, why="", hosts=None):
    """first and second: words of the policy before and after; the record's id changes unless it is said."""
    second.setdefault("identity", "20260202")
    fate, reason, level, notice = first[:4]
    return State(name, fate, reason, level, why, policy=first[4], notice=notice, hosts=hosts or (Host(),), then=Then(
        lambda live: live.stage.publish(live, **second), *then))


SENT = ("delivered", "delivered", "sts", None)

STATES = [
    # modes
    _sts("sts-enforce"),
    _sts("sts-wildcard", mx=["*.{domain}"]),
    _sts("sts-many-hosts", mx=["a.test", "b.test", "{mx}", "c.test"]),
    _sts("sts-lf-only", "lines ended by LF alone", text=policy_text(mx=["{mx}"], eol="\n")),
    _sts("sts-unknown-keys", mx=["{mx}"], extra=["future: what", "x: y"]),
    _sts("sts-upper-case", mx=["MX.sts-upper-case.TEST"]),
    _less("sts-testing", mode="testing"),
    _less("sts-testing-mismatch", "testing demands nothing", mode="testing", mx=ELSEWHERE),
    _less("sts-none", mode="none", mx=[]),
    State("sts-testing-unproved", "posted", "certificate-self-signed", hosts=(Host(certificate=BAD),), notice="tls",
          policy={"mode": "testing"}),
    # enforced
    _refused("sts-mismatch", "sts-host-mismatch", mx=ELSEWHERE),
    _refused("sts-wildcard-too-deep", "sts-host-mismatch", "* stands for one label", hosts=(Host("mx.deep", proved=False),),
             mx=["*.{domain}"]),
    _refused("sts-wildcard-apex", "sts-host-mismatch", "* stands for a label", hosts=(Host("", proved=False),), mx=["*.{domain}"]),
    State("sts-one-of-two", "delivered", "delivered", "sts", policy={"mx": ["mx2.{domain}"]}, hosts=(
        Host("mx1", proved=False), Host("mx2", preference=20, proved=True))),
    _refused("sts-self-signed", "certificate-self-signed", hosts=(Host(certificate=BAD),)),
    _refused("sts-expired", "certificate-expired", hosts=(Host(certificate={"expired": True}),)),
    _refused("sts-no-tls", "no-starttls", hosts=(Host(certificate=None),)),
    _refused("sts-old-tls", "tls-too-old", hosts=(Host(tls={"minimum": "1.0", "maximum": "1.1"}),)),
    _refused("sts-unreachable-host", "connection-refused", fate="later", notice="none", hosts=(Host(at="dead"),)),
    # no policy comes of it
    *[_less(f"sts-{manner}", manner=manner) for manner in (
        "redirect", "404", "500", "wrong-type", "no-type", "too-big", "endless", "slow", "silent", "closed", "truncated",
        "no-http", "garbage", "empty", "clear", "self-signed", "wrong-name", "domain-name", "expired", "not-yet-valid",
        "unknown-authority", "no-intermediate", "common-name-only", "client-certificate", "weak-key", "partial-wildcard", "tls10",
        "tls11", "weak-suite", "no-host", "refused") if f"sts-{manner}" not in ("sts-self-signed", "sts-expired")],
    _less("sts-policy-host-self-signed", manner="self-signed", mx=ELSEWHERE),
    _less("sts-policy-host-expired", manner="expired", mx=ELSEWHERE),
    _sts("sts-policy-host-wildcard", manner="wildcard"),
    _sts("sts-policy-host-tls12", manner="tls12"),
    _less("sts-record-absent", "a policy nobody announces", record=ABSENT, mx=ELSEWHERE),
    _less("sts-record-of-another-kind", record='"v=STSv2; id=1;"', mx=ELSEWHERE),
    _less("sts-record-without-id", record='"v=STSv1;"', mx=ELSEWHERE),
    _less("sts-record-id-bad", record='"v=STSv1; id=not-allowed;"', mx=ELSEWHERE),
    _less("sts-record-id-too-long", record=f'"v=STSv1; id={"1" * 33};"', mx=ELSEWHERE),
    _less("sts-records-several", "two records are none", record=[record_text("1"), record_text("2")], mx=ELSEWHERE),
    _sts("sts-record-among-others", record=['"v=spf1 -all"', record_text("1"), '"anything"']),
    _sts("sts-record-in-pieces", "one record of several strings", record='"v=STS" "v1; id=2026" "0101;"'),
    _less("sts-version-missing", version=None, mx=ELSEWHERE),
    _less("sts-version-unknown", version="STSv2", mx=ELSEWHERE),
    _less("sts-mode-unknown", mode="strict", mx=ELSEWHERE),
    _less("sts-mode-missing", mode=None, mx=ELSEWHERE),
    _less("sts-age-missing", max_age=None, mx=ELSEWHERE),
    _less("sts-age-bad", max_age="soon", mx=ELSEWHERE),
    _less("sts-without-hosts", mx=[]),
    State("sts-record-servfail", "delivered", "delivered", "pkix", "no record can be had, and no policy is kept",
          policy={"mx": ELSEWHERE}, faults=(("_mta-sts.{domain}", None, "servfail"),)),
    State("sts-alias-of-domain", "delivered", "delivered", "pkix", "the policy is that of the address's domain, not of the alias",
          hosts=(Host("mx.real"),), mx=(), policy={"record": ABSENT, "manner": "no-host"}, records=(
              ("{domain}", "CNAME", "real.{domain}."), ("real.{domain}", "MX", "10 mx.real.{domain}."),
              ("_mta-sts.real.{domain}", "TXT", record_text("1")))),
    # what changes
    _changed("sts-id-changes", ("posted", "sts-host-mismatch", None, "held", {"mx": ELSEWHERE}), {},
             ("delivered", "delivered", "sts"), "a new id: the new policy names the host", hosts=(Host(proved=False),)),
    _changed("sts-id-stays", (*SENT, {}), {"mx": ELSEWHERE, "identity": "20260101"}, ("delivered", "delivered", "sts"),
             "the same id: the policy that is kept counts"),
    _changed("sts-changes-to-mismatch", (*SENT, {}), {"mx": ELSEWHERE}, ("later", "proof-fell", None, "held"),
             "it had shown itself before"),
    _changed("sts-changes-to-none", (*SENT, {}), {"mode": "none", "mx": []}, ("later", "proof-fell", None, "held"),
             "the domain has shown more"),
    _changed("sts-kept-while-404", (*SENT, {}), {"manner": "404"}, ("delivered", "delivered", "sts"),
             "a new id, and no policy to be had: the kept one counts"),
    _changed("sts-kept-while-refused", (*SENT, {}), {"manner": "refused"}, ("delivered", "delivered", "sts")),
    _changed("sts-kept-while-self-signed", (*SENT, {}), {"manner": "self-signed", "mx": ELSEWHERE},
             ("delivered", "delivered", "sts")),
    _changed("sts-kept-while-garbage", (*SENT, {}), {"manner": "garbage"}, ("delivered", "delivered", "sts")),
    _changed("sts-kept-while-record-gone", (*SENT, {}), {"record": ABSENT}, ("delivered", "delivered", "sts"),
             "RFC 8461 5.1: until its max_age ends"),
    _changed("sts-kept-while-record-broken", (*SENT, {}), {"record": '"v=STSv1; what"'}, ("delivered", "delivered", "sts")),
    _changed("sts-kept-until-it-ends", (*SENT, {"max_age": 5}), {"record": ABSENT}, ("later", "proof-fell", None, "held"),
             "the kept policy has ended, and the domain has shown more than a certificate"),
    State("sts-kept-over-restart", "delivered", "delivered", "sts", policy={}, then=Then(
        lambda live: live.stage.publish(live, manner="404", identity="20260303"), "delivered", "delivered", "sts", restart=True)),
]
