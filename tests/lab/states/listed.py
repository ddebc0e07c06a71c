# SPDX-License-Identifier: Apache-2.0
"""What the library must have: every word of the requirement's list, and what the test suites of Exim (5840) and mox (dane)
expect of a DANE client, each with the states that stand for it."""

STATES = {
    "the seven": "no-tls tls10 tls11 tls12 tls13 self-signed expired",
    "wrong name": "wrong-name", "CN only": "common-name-only", "wildcard depth": "wildcard wildcard-too-deep",
    "expired": "expired", "not yet valid": "not-yet-valid", "untrusted root": "untrusted-root",
    "missing intermediate": "missing-intermediate", "wrong order": "wrong-order", "revoked staple": "staple-revoked",
    "must-staple without staple": "must-staple-without", "RSA 1024": "rsa-1024", "SHA-1": "sha-1 issuer-sha-1",
    "MD5": "md5 issuer-md5", "P-224": "p-224", "Ed25519": "ed25519", "weak DH": "weak-dh-768 weak-dh-1024",
    "RC4": "rc4 rc4-md5 rc4-forced", "3DES": "3des", "CBC only": "cbc-only", "NULL": "null-encryption null-scripted",
    "export": "export", "SSLv3": "sslv3 sslv3-forced", "TLS 1.2 without extended master secret": "no-extended-master-secret",
    "renegotiation": "renegotiation-asked renegotiation-insisted no-secure-renegotiation", "compression": "compression",
    "small record limits": "tiny-records one-byte-records", "HelloRetryRequest": "hello-retry-request",
    "long chain": "long-chain endless-chain", "giant certificate": "giant-certificate giant-certificate-above-limit",
    "STARTTLS not offered": "starttls-not-offered", "454 once": "starttls-454-once", "454 always": "starttls-454",
    "501": "starttls-501", "220 with text behind": "starttls-injected-220", "injected": "starttls-injected",
    "stripped on second EHLO": "starttls-stripped-later second-ehlo-bare", "closed": "starttls-closed",
    "silent": "starttls-silent", "slow": "starttls-slow", "greeting 554": "greeting-554", "greeting 421": "greeting-421",
    "greeting of many lines": "greeting-multi-line", "no greeting": "greeting-none", "null MX": "null-mx",
    "no MX": "mx-missing", "several of mixed quality": "mx-mixed mx-mixed-three", "equal preference": "mx-equal",
    "MX that is a CNAME": "mx-alias mx-alias-named", "address literal": "mx-address-literal address-literal",
    "dangling": "mx-dangling mx-one-dangling", "IPv6 only": "mx-ipv6-only", "unreachable": "mx-unreachable mx-dead mx-full",
    "one dead": "mx-one-dead", "STS modes": "sts-enforce sts-testing sts-none",
    "STS faults": "sts-redirect sts-404 sts-wrong-type sts-too-big sts-slow sts-silent sts-policy-host-self-signed sts-wrong-name "
                  "sts-policy-host-expired sts-tls10 sts-garbage sts-mismatch sts-wildcard sts-id-changes sts-kept-while-404 "
                  "sts-kept-while-record-gone sts-kept-over-restart sts-kept-until-it-ends sts-record-id-bad sts-records-several",
    "DNSSEC bogus": "mx-bogus address-bogus dane-tlsa-bogus", "DNSSEC servfail": "signed-servfail dane-tlsa-servfail",
    "DNSSEC timeout": "signed-timeout dane-tlsa-timeout", "DNSSEC insecure": "insecure-delegation dane-insecure-delegation",
    "TLS lost in DATA": "tls-lost-in-data lost-in-data lost-in-chunk", "lost after the dot": "lost-after-dot",
    "lost before 250": "closed-instead-of-250 never-a-250", "recipient 4xx": "recipient-451 recipient-451-once",
    "recipient 5xx": "recipient-550", "5xx after data": "message-554", "some accepted": "some-recipients some-recipients-later",
    "no SIZE": "size-not-said size-too-small", "no 8BITMIME": "no-8bitmime", "no SMTPUTF8": "no-smtputf8",
}

# In the order of the script. Its third, a call-out to check a recipient, has no like here: explain asks nothing of a
# mailbox, and what it finds of this state is compared with delivery by tests/e2e/test_explain_states.py.
EXIM = {
    "3 1 1": "dane-3-1-1", "3 1 2": "dane-3-1-2", "call-out": "dane-3-1-1", "2 0 1": "dane-2-0-1",
    "2 1 1, authority key identifier": "dane-2-1-1", "bad certificate, no records": "dane-denied-self-signed self-signed",
    "good certificate, no records": "dane-denied", "good certificate, other name, no records": "wrong-name",
    "two hosts whose records cannot be looked up": "dane-tlsa-servfail-of-both",
    "no records, denial unsigned, demanded": "demand-dane", "no records, denial unsigned": "insecure-delegation",
    "look-up fails": "dane-tlsa-servfail", "records denied, demanded": "demand-dane-denied", "records denied": "dane-denied",
    "wrong record": "dane-mismatch", "records insecure": "dane-tlsa-insecure",
    "records insecure, demanded": "demand-dane-records-insecure", "address insecure": "dane-address-insecure",
    "address insecure, demanded": "demand-dane-address-insecure", "other name, usage 2": "dane-2-wrong-name",
    "other name, usage 3": "dane-3-1-1-wrong-name",
}

# Without those about options that are not here (which usages are allowed; usages 0 and 1, unusable for SMTP, RFC 7672 3.1.3).
MOX = {
    "ee sha256": "dane-3-1-1", "mixed usages": "dane-roll-over-usages", "ta sha256": "dane-2-root-sent", "no record": "dane-denied",
    "record insecure": "dane-tlsa-insecure", "alias insecure": "dane-alias-insecure-target",
    "alias insecure further on, record below the name": "dane-alias-insecure-both", "below the expanded name": "dane-alias",
    "back to the name itself": "dane-alias-own-name", "ee mismatch": "dane-mismatch", "ee sha512": "dane-3-1-2",
    "ee full": "dane-3-1-0", "ta full": "dane-2-0-0", "ta of another": "dane-2-of-another", "ta other name": "dane-2-wrong-name",
    "ta expired": "dane-2-expired", "malformed": "dane-unusable-short-digest", "malformed and good": "dane-beside-malformed",
    "unknown usage": "dane-unusable-usage-9", "unknown usage and good": "dane-beside-unknown",
    "ta full malformed": "dane-unusable-full-issuer", "ta full, not sent": "dane-2-0-0-not-sent",
    "usages 0 and 1": "dane-unusable-usage-0 dane-unusable-usage-1",
}
