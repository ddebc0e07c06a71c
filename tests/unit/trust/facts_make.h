/* SPDX-License-Identifier: Apache-2.0 */
/* Facts for tests of verdicts: a host that proved itself, and random ones from a seed. */
#ifndef TESTS_FACTS_MAKE_H
#define TESTS_FACTS_MAKE_H

#include "trust/trust_attempt.h"

#define FACTS_NOW INT64_C(1000000000000)

struct facts_random {
    uint64_t state;
};

/* xorshift64*: the same facts for the same seed on every machine. */
static inline uint32_t facts_pick(struct facts_random *r, uint32_t below)
{
    r->state ^= r->state >> 12;
    r->state ^= r->state << 25;
    r->state ^= r->state >> 27;
    return (uint32_t)((r->state * UINT64_C(2685821657736338717)) >> 33) % below;
}

/* True in `of` of `in` cases. */
static inline bool facts_often(struct facts_random *r, uint32_t of, uint32_t in)
{
    return facts_pick(r, in) < of;
}

static inline struct trust_domain facts_domain(void)
{
    return (struct trust_domain){.mx = TRUST_DNS_OK, .hosts = 2, .minimum = TRUST_LEVEL_PKIX};
}

/* A host that proved itself by PKIX, and would by DANE if its TLSA records counted. */
static inline struct trust_session facts_proved(void)
{
    struct trust_session s = {.dns = TRUST_DNS_OK, .connect = TRUST_CONNECT_OK, .starttls = true, .ready = true};
    s.tls = (struct trust_tls){.established = true, .protocol = 0x0304, .bits = 256, .aead = true, .ephemeral = true,
                               .cipher = TRUST_CIPHER_AES_GCM, .group = "secp256r1"};
    s.cert = (struct trust_cert){.checked = true, .from_us = FACTS_NOW - 10, .until_us = FACTS_NOW + 10};
    s.dane = (struct trust_dane){.checked = true, .matched = true, .from_us = INT64_MIN, .until_us = INT64_MAX};
    return s;
}

static inline struct trust_domain facts_random_domain(struct facts_random *r)
{
    struct trust_domain d = facts_domain();
    d.mx = facts_often(r, 9, 10) ? TRUST_DNS_OK : (enum trust_dns)facts_pick(r, TRUST_DNS_LOOP + 1);
    d.secure = facts_often(r, 1, 2);
    d.implicit = facts_often(r, 1, 8);
    d.hosts = facts_pick(r, 4);
    d.dangling = facts_often(r, 3, 4) ? 0 : facts_pick(r, 4);
    d.minimum = facts_often(r, 1, 2) ? TRUST_LEVEL_PKIX : (enum trust_level)facts_pick(r, TRUST_LEVEL_DANE + 1);
    d.shown = facts_often(r, 1, 2) ? TRUST_LEVEL_NONE : (enum trust_level)facts_pick(r, TRUST_LEVEL_DANE + 1);
    d.profile = (enum trust_profile)facts_pick(r, 3);
    d.sts = (enum trust_sts_mode)facts_pick(r, 3);
    d.sts_look = (enum trust_sts_look)facts_pick(r, TRUST_STS_POLICY_INVALID + 1);
    d.pinned = facts_often(r, 1, 4);
    return d;
}

static inline void facts_random_tls(struct facts_random *r, struct trust_tls *tls)
{
    static const char *const groups[] = {"x25519", "secp256r1", "prime256v1", "P-384", "secp521r1", "", NULL};
    tls->established = facts_often(r, 4, 5);
    tls->failure = (enum trust_tls_failure)facts_pick(r, TRUST_TLS_BROKEN + 1);
    tls->protocol = facts_often(r, 9, 10) ? (uint16_t)(0x0303 + facts_pick(r, 2)) : (uint16_t)(0x0300 + facts_pick(r, 5));
    tls->group = groups[facts_pick(r, 7)];
    tls->bits = facts_often(r, 9, 10) ? 128 + 128 * (int)facts_pick(r, 2) : (int)facts_pick(r, 200);
    tls->aead = facts_often(r, 9, 10);
    tls->ephemeral = facts_often(r, 9, 10);
    tls->cipher = facts_often(r, 1, 2) ? TRUST_CIPHER_AES_GCM : (enum trust_cipher)facts_pick(r, TRUST_CIPHER_CHACHA20 + 1);
    tls->extended_master = facts_often(r, 1, 2);
    tls->resumed = facts_often(r, 1, 2);
}

static inline enum trust_cert_fault facts_random_fault(struct facts_random *r)
{
    return facts_often(r, 2, 3) ? TRUST_CERT_FINE : (enum trust_cert_fault)facts_pick(r, TRUST_CERT_STAPLE + 1);
}

static inline void facts_random_proof(struct facts_random *r, struct trust_session *s)
{
    s->cert.checked = facts_often(r, 9, 10);
    s->cert.fault = facts_random_fault(r);
    s->cert.from_us = FACTS_NOW - 2 + facts_pick(r, 4);
    s->cert.until_us = FACTS_NOW - 1 + facts_pick(r, 4);
    s->cert.ocsp = (enum trust_ocsp)facts_pick(r, TRUST_OCSP_STALE + 1);
    s->cert.must_staple = facts_often(r, 1, 4);
    s->dane.tlsa = facts_often(r, 1, 2) ? TRUST_TLSA_NONE : (enum trust_tlsa_state)facts_pick(r, TRUST_TLSA_BOGUS + 1);
    s->dane.checked = facts_often(r, 9, 10);
    s->dane.matched = facts_often(r, 3, 4);
    s->dane.fault = facts_random_fault(r);
    if (facts_often(r, 1, 2)) {
        s->dane.from_us = FACTS_NOW - 2 + facts_pick(r, 4);
        s->dane.until_us = FACTS_NOW - 1 + facts_pick(r, 4);
    }
}

static inline struct trust_session facts_random_session(struct facts_random *r)
{
    struct trust_session s = facts_proved();
    s.dns = facts_often(r, 9, 10) ? TRUST_DNS_OK : (enum trust_dns)facts_pick(r, TRUST_DNS_LOOP + 1);
    s.dns_secure = facts_often(r, 1, 2);
    s.connect = facts_often(r, 9, 10) ? TRUST_CONNECT_OK : (enum trust_connect)facts_pick(r, TRUST_CONNECT_PRIVATE + 1);
    s.starttls = facts_often(r, 9, 10);
    s.stage = (enum smtp_client_stage)facts_pick(r, SMTP_STAGE_IDLE + 1);
    s.fault = facts_often(r, 3, 4) ? SMTP_FAULT_NONE : (enum smtp_client_fault)facts_pick(r, SMTP_FAULT_LOCAL + 1);
    s.code = (uint16_t)(400 + 50 * facts_pick(r, 4));
    facts_random_tls(r, &s.tls);
    facts_random_proof(r, &s);
    s.sts_match = facts_often(r, 2, 3);
    s.pin = (enum trust_pin)facts_pick(r, 3);
    s.ready = facts_often(r, 9, 10);
    s.caps = (struct smtp_client_caps){.eight_bit = facts_often(r, 1, 2), .utf8 = facts_often(r, 1, 2), .size = facts_often(r, 1, 2),
                                       .require_tls = facts_often(r, 1, 2), .size_max = facts_pick(r, 3) * 100};
    return s;
}

#endif
