/* SPDX-License-Identifier: Apache-2.0 */
/* The rules, in the order in which a delivery meets them. */
#include "trust/trust_verdict.h"

#include <string.h>

#include "net/tls_hole.h"

#define TLS_1_2 0x0303

static struct trust_verdict verdict(enum trust_action action, enum trust_reason reason)
{
    return (struct trust_verdict){.action = action, .reason = reason};
}

const char *trust_action_name(enum trust_action action)
{
    switch (action) {
    case TRUST_SEND: return "send";
    case TRUST_NEXT_HOST: return "next host";
    case TRUST_LATER: return "later";
    case TRUST_POST: return "post";
    case TRUST_RETURN: return "return";
    default: return "?";
    }
}

const char *trust_level_name(enum trust_level level)
{
    switch (level) {
    case TRUST_LEVEL_PKIX: return "pkix";
    case TRUST_LEVEL_PKIX_DNSSEC: return "pkix+dnssec";
    case TRUST_LEVEL_STS: return "sts";
    case TRUST_LEVEL_DANE: return "dane";
    default: return "none";
    }
}

static struct trust_verdict bogus(void)
{
    struct trust_verdict v = verdict(TRUST_LATER, TRUST_REASON_DNS_BOGUS);
    v.attack = true;
    return v;
}

/* Failures of a look-up that may heal. */
static struct trust_verdict dns_trouble(enum trust_dns dns)
{
    switch (dns) {
    case TRUST_DNS_BOGUS: return bogus();
    case TRUST_DNS_MALFORMED:
    case TRUST_DNS_LOOP: return verdict(TRUST_LATER, TRUST_REASON_DNS_MALFORMED);
    default: return verdict(TRUST_LATER, TRUST_REASON_DNS_FAILED);
    }
}

struct trust_verdict trust_verdict_domain(const struct trust_domain *domain)
{
    struct trust_verdict v;
    switch (domain->mx) {
    case TRUST_DNS_NULL_MX: return verdict(TRUST_RETURN, TRUST_REASON_NULL_MX);
    case TRUST_DNS_NXDOMAIN: return verdict(TRUST_RETURN, TRUST_REASON_NO_DOMAIN);
    case TRUST_DNS_NODATA: return verdict(TRUST_RETURN, TRUST_REASON_NO_ADDRESS);
    case TRUST_DNS_OK: break;
    default: return dns_trouble(domain->mx);
    }
    if (domain->hosts == 0)
        return verdict(TRUST_LATER, TRUST_REASON_DNS_MALFORMED);
    if (domain->dangling < domain->hosts)
        return verdict(TRUST_NEXT_HOST, TRUST_REASON_NONE);
    v = verdict(TRUST_LATER, TRUST_REASON_DANGLING);
    v.dangling = true;
    return v;
}

enum trust_tlsa_state trust_verdict_tlsa(const struct trust_domain *domain, const struct trust_session *session)
{
    return domain->secure ? session->dane.tlsa : TRUST_TLSA_UNASKED;
}

static bool has_dane(const struct trust_domain *domain, const struct trust_session *session)
{
    return trust_verdict_tlsa(domain, session) == TRUST_TLSA_USABLE;
}

bool trust_verdict_expected(const struct trust_domain *domain, const struct trust_session *session)
{
    return domain->sts == TRUST_STS_ENFORCE || has_dane(domain, session);
}

bool trust_verdict_is_proof_failure(enum trust_reason reason)
{
    switch (reason) {
    case TRUST_REASON_INJECTED:
    case TRUST_REASON_NO_STARTTLS:
    case TRUST_REASON_TLS_OLD:
    case TRUST_REASON_TLS_SUITE:
    case TRUST_REASON_TLS_FAILED:
    case TRUST_REASON_CERT_NONE:
    case TRUST_REASON_CERT_EXPIRED:
    case TRUST_REASON_CERT_NOT_YET:
    case TRUST_REASON_CERT_SELF_SIGNED:
    case TRUST_REASON_CERT_UNTRUSTED:
    case TRUST_REASON_CERT_CHAIN:
    case TRUST_REASON_CERT_NAME:
    case TRUST_REASON_CERT_KEY:
    case TRUST_REASON_CERT_SIGNATURE:
    case TRUST_REASON_CERT_USAGE:
    case TRUST_REASON_CERT_REVOKED:
    case TRUST_REASON_CERT_STAPLE:
    case TRUST_REASON_DANE_MISMATCH:
    case TRUST_REASON_STS_HOST:
    case TRUST_REASON_PIN_MISMATCH: return true;
    default: return false;
    }
}

enum trust_level trust_verdict_minimum(enum trust_level minimum, const struct trust_needs *needs)
{
    return needs->require_tls && minimum < TRUST_LEVEL_PKIX_DNSSEC ? TRUST_LEVEL_PKIX_DNSSEC : minimum;
}

struct trust_verdict trust_verdict_host(const struct trust_domain *domain, const struct trust_session *session)
{
    enum trust_tlsa_state tlsa = trust_verdict_tlsa(domain, session);
    struct trust_verdict v;
    if (session->dns == TRUST_DNS_NXDOMAIN || session->dns == TRUST_DNS_NODATA)
        return verdict(TRUST_NEXT_HOST, TRUST_REASON_HOST_WITHOUT_ADDRESS);
    if (session->dns != TRUST_DNS_OK)
        return dns_trouble(session->dns);
    if (tlsa == TRUST_TLSA_BOGUS)
        return bogus();
    if (tlsa == TRUST_TLSA_FAILED)
        return verdict(TRUST_LATER, TRUST_REASON_TLSA_FAILED);
    v = verdict(TRUST_NEXT_HOST, TRUST_REASON_NONE);
    if (domain->sts == TRUST_STS_ENFORCE && !session->sts_match && tlsa != TRUST_TLSA_USABLE) {
        v.reason = TRUST_REASON_STS_HOST;
        v.attack = true;
    }
    return v;
}

static struct trust_verdict judge_connect(enum trust_connect connect)
{
    switch (connect) {
    case TRUST_CONNECT_REFUSED: return verdict(TRUST_LATER, TRUST_REASON_REFUSED);
    case TRUST_CONNECT_TIMEOUT: return verdict(TRUST_LATER, TRUST_REASON_TIMEOUT);
    case TRUST_CONNECT_PRIVATE: return verdict(TRUST_NEXT_HOST, TRUST_REASON_PRIVATE_ADDRESS);
    default: return verdict(TRUST_LATER, TRUST_REASON_UNREACHABLE);
    }
}

static struct trust_verdict judge_handshake(const struct trust_session *session)
{
    switch (session->tls.failure) {
    case TRUST_TLS_OLD: return verdict(TRUST_NEXT_HOST, TRUST_REASON_TLS_OLD);
    case TRUST_TLS_SUITE: return verdict(TRUST_NEXT_HOST, TRUST_REASON_TLS_SUITE);
    default: return verdict(TRUST_NEXT_HOST, TRUST_REASON_TLS_FAILED);
    }
}

/* A refusing reply before a message was begun. Proof changes only the words: an unproved host can never bounce mail,
 * a proved one that does not talk to us may still have a neighbour that does. */
static struct trust_verdict judge_refusal(const struct trust_session *session, bool is_proved)
{
    if (session->code < 500)
        return verdict(TRUST_LATER, is_proved ? TRUST_REASON_PROVED_4XX : TRUST_REASON_UNPROVED_4XX);
    return verdict(TRUST_NEXT_HOST, is_proved ? TRUST_REASON_PROVED_5XX_HELLO : TRUST_REASON_UNPROVED_5XX);
}

static struct trust_verdict judge_fault(const struct trust_session *session, bool is_proved)
{
    switch (session->fault) {
    case SMTP_FAULT_REPLY: return judge_refusal(session, is_proved);
    case SMTP_FAULT_MALFORMED: return verdict(TRUST_NEXT_HOST, TRUST_REASON_MALFORMED);
    case SMTP_FAULT_INJECTED: return verdict(TRUST_NEXT_HOST, TRUST_REASON_INJECTED);
    case SMTP_FAULT_TIMEOUT: return verdict(TRUST_LATER, TRUST_REASON_TIMEOUT);
    case SMTP_FAULT_TLS: return judge_handshake(session);
    case SMTP_FAULT_LOCAL: return verdict(TRUST_LATER, TRUST_REASON_LOCAL_CONNECT);
    default: break;
    }
    /* Old servers end the connection instead of the handshake. */
    if (session->stage == SMTP_STAGE_HANDSHAKE && !is_proved)
        return judge_handshake(session);
    return verdict(TRUST_LATER, TRUST_REASON_CLOSED);
}

static struct trust_verdict judge_without_tls(const struct trust_session *session)
{
    if (session->fault != SMTP_FAULT_NONE)
        return judge_fault(session, false);
    return session->starttls ? judge_handshake(session) : verdict(TRUST_NEXT_HOST, TRUST_REASON_NO_STARTTLS);
}

static struct trust_verdict judge_cert(enum trust_cert_fault fault)
{
    static const enum trust_reason reasons[] = {
        [TRUST_CERT_FINE] = TRUST_REASON_PROVED,
        [TRUST_CERT_NONE] = TRUST_REASON_CERT_NONE,
        [TRUST_CERT_EXPIRED] = TRUST_REASON_CERT_EXPIRED,
        [TRUST_CERT_NOT_YET] = TRUST_REASON_CERT_NOT_YET,
        [TRUST_CERT_SELF_SIGNED] = TRUST_REASON_CERT_SELF_SIGNED,
        [TRUST_CERT_UNTRUSTED] = TRUST_REASON_CERT_UNTRUSTED,
        [TRUST_CERT_CHAIN] = TRUST_REASON_CERT_CHAIN,
        [TRUST_CERT_NAME] = TRUST_REASON_CERT_NAME,
        [TRUST_CERT_KEY] = TRUST_REASON_CERT_KEY,
        [TRUST_CERT_SIGNATURE] = TRUST_REASON_CERT_SIGNATURE,
        [TRUST_CERT_USAGE] = TRUST_REASON_CERT_USAGE,
        [TRUST_CERT_REVOKED] = TRUST_REASON_CERT_REVOKED,
        [TRUST_CERT_STAPLE] = TRUST_REASON_CERT_STAPLE,
    };
    if (fault == TRUST_CERT_FINE)
        return verdict(TRUST_SEND, TRUST_REASON_PROVED);
    return verdict(TRUST_NEXT_HOST, (size_t)fault < sizeof(reasons) / sizeof(*reasons) ? reasons[fault]
                                                                                       : TRUST_REASON_CERT_CHAIN);
}

/* SP 800-52r2: the two curves by every name that OpenSSL has for them. */
static bool is_nist_group(const char *group)
{
    static const char *const groups[] = {"secp256r1", "prime256v1", "P-256", "secp384r1", "P-384"};
    for (size_t i = 0; group != NULL && i < sizeof(groups) / sizeof(*groups); i++) {
        if (strcmp(group, groups[i]) == 0)
            return true;
    }
    return false;
}

/* What the client offers already keeps to the profile; here it is asked again of what came of it, so that a session kept
 * from before a change of the profile proves nothing. */
static struct trust_verdict judge_profile(enum trust_profile profile, const struct trust_tls *tls)
{
    bool fits = tls->aead && tls->ephemeral && tls->bits >= 128;
    if (tls->protocol < TLS_1_2)
        return verdict(TRUST_NEXT_HOST, TRUST_REASON_TLS_OLD);
    if (profile != TRUST_PROFILE_STRICT)
        fits = fits && (tls->cipher == TRUST_CIPHER_AES_GCM || tls->cipher == TRUST_CIPHER_AES_CCM) &&
               is_nist_group(tls->group);
    return fits ? verdict(TRUST_SEND, TRUST_REASON_PROVED) : verdict(TRUST_NEXT_HOST, TRUST_REASON_TLS_SUITE);
}

/* Dates once more, by the clock of now: a reused session may have outlived them. */
static struct trust_verdict judge_dates(int64_t from_us, int64_t until_us, int64_t now_us)
{
    if (now_us > until_us)
        return judge_cert(TRUST_CERT_EXPIRED);
    return judge_cert(now_us < from_us ? TRUST_CERT_NOT_YET : TRUST_CERT_FINE);
}

static struct trust_verdict judge_pkix(const struct trust_cert *cert, int64_t now_us)
{
    if (!cert->checked)
        return judge_cert(TRUST_CERT_NONE);
    if (cert->fault != TRUST_CERT_FINE)
        return judge_cert(cert->fault);
    return judge_dates(cert->from_us, cert->until_us, now_us);
}

static struct trust_verdict judge_dane(const struct trust_dane *dane, int64_t now_us)
{
    if (!dane->checked || dane->fault == TRUST_CERT_NONE)
        return judge_cert(TRUST_CERT_NONE);
    if (!dane->matched || dane->fault == TRUST_CERT_UNTRUSTED)
        return verdict(TRUST_NEXT_HOST, TRUST_REASON_DANE_MISMATCH);
    if (dane->fault != TRUST_CERT_FINE)
        return judge_cert(dane->fault);
    return judge_dates(dane->from_us, dane->until_us, now_us);
}

static struct trust_verdict judge_proof(const struct trust_domain *domain, const struct trust_session *session,
                                        int64_t now_us)
{
    struct trust_verdict v = judge_profile(domain->profile, &session->tls);
    if (v.action != TRUST_SEND)
        return v;
    v = has_dane(domain, session) ? judge_dane(&session->dane, now_us) : judge_pkix(&session->cert, now_us);
    if (v.action != TRUST_SEND || !domain->pinned || session->pin == TRUST_PIN_MATCH)
        return v;
    v = verdict(TRUST_NEXT_HOST, TRUST_REASON_PIN_MISMATCH);
    v.attack = true;
    return v;
}

static enum trust_level level_of(const struct trust_domain *domain, const struct trust_session *session)
{
    if (has_dane(domain, session))
        return TRUST_LEVEL_DANE;
    if (domain->sts == TRUST_STS_ENFORCE)
        return TRUST_LEVEL_STS;
    return domain->secure && session->dns_secure ? TRUST_LEVEL_PKIX_DNSSEC : TRUST_LEVEL_PKIX;
}

static struct trust_verdict judge_level(const struct trust_domain *domain, const struct trust_session *session)
{
    struct trust_verdict v = verdict(TRUST_SEND, TRUST_REASON_PROVED);
    v.level = level_of(domain, session);
    if (v.level < domain->shown) {
        v = verdict(TRUST_LATER, TRUST_REASON_LEVEL_FELL);
        v.attack = true;
    } else if (v.level < domain->minimum) {
        v = verdict(TRUST_NEXT_HOST, TRUST_REASON_LEVEL_BELOW_MINIMUM);
    }
    return v;
}

/* Test builds with the hole take any host that talks for a proved one. */
static bool hole_takes(const struct trust_session *session)
{
    return tls_hole_verify() && session->connect == TRUST_CONNECT_OK && session->fault == SMTP_FAULT_NONE;
}

static struct trust_verdict judge_session(const struct trust_domain *domain, const struct trust_session *session,
                                          int64_t now_us)
{
    struct trust_verdict v = trust_verdict_host(domain, session);
    if (v.reason != TRUST_REASON_NONE)
        return v;
    if (hole_takes(session))
        return judge_level(domain, session);
    if (session->connect != TRUST_CONNECT_OK)
        return judge_connect(session->connect);
    if (!session->tls.established)
        return judge_without_tls(session);
    v = judge_proof(domain, session, now_us);
    if (v.action != TRUST_SEND)
        return v;
    if (session->fault != SMTP_FAULT_NONE)
        return judge_fault(session, true);
    return session->ready ? judge_level(domain, session) : verdict(TRUST_LATER, TRUST_REASON_CLOSED);
}

struct trust_verdict trust_verdict_session(const struct trust_domain *domain, const struct trust_session *session,
                                           int64_t now_us)
{
    struct trust_verdict v = judge_session(domain, session, now_us);
    if (trust_verdict_is_proof_failure(v.reason) && trust_verdict_expected(domain, session))
        v.attack = true;
    return v;
}

enum trust_level trust_verdict_shown(const struct trust_domain *domain, const struct trust_session *session,
                                     int64_t now_us)
{
    struct trust_domain undemanded = *domain;
    undemanded.minimum = TRUST_LEVEL_NONE;
    const struct trust_verdict v = trust_verdict_session(&undemanded, session, now_us);
    return v.action == TRUST_SEND ? v.level : TRUST_LEVEL_NONE;
}

struct trust_verdict trust_verdict_needs(const struct smtp_client_caps *caps, const struct trust_needs *needs)
{
    if (needs->utf8 && !caps->utf8)
        return verdict(TRUST_POST, TRUST_REASON_NO_UTF8);
    if (needs->eight_bit && !caps->eight_bit)
        return verdict(TRUST_POST, TRUST_REASON_NO_8BIT);
    if (caps->size && caps->size_max != 0 && needs->size > caps->size_max)
        return verdict(TRUST_POST, TRUST_REASON_TOO_BIG);
    if (needs->require_tls && !caps->require_tls)
        return verdict(TRUST_POST, TRUST_REASON_NO_REQUIRETLS);
    return verdict(TRUST_SEND, TRUST_REASON_PROVED);
}

static bool status_is(const struct trust_answer *answer, uint16_t subject, uint16_t detail)
{
    return answer->enhanced.class_digit == 5 && answer->enhanced.subject == subject &&
           answer->enhanced.detail == detail;
}

/* A 5xx that says "not in this form" rather than "not for this person": RFC 1870 6.1, 6152 3, 6531 3.5, 8689 7,
 * 3463. */
static enum trust_reason not_as_it_is(const struct trust_answer *answer, const struct trust_needs *needs)
{
    bool full_mailbox = status_is(answer, 2, 2);
    if (status_is(answer, 3, 4) || status_is(answer, 2, 3) || (answer->code == 552 && !full_mailbox))
        return TRUST_REASON_TOO_BIG;
    if (needs->utf8 && (status_is(answer, 6, 7) || status_is(answer, 6, 9) || answer->code == 555))
        return TRUST_REASON_NO_UTF8;
    if (status_is(answer, 6, 1) || status_is(answer, 6, 3) || answer->code == 555)
        return TRUST_REASON_NO_8BIT;
    if (needs->require_tls && status_is(answer, 7, 30))
        return TRUST_REASON_NO_REQUIRETLS;
    return TRUST_REASON_NONE;
}

struct trust_verdict trust_verdict_answer(const struct trust_answer *answer, const struct trust_needs *needs)
{
    if (answer->fault == SMTP_FAULT_NONE && answer->stage == SMTP_STAGE_FINAL)
        return verdict(TRUST_SEND, TRUST_REASON_DELIVERED);
    if (answer->fault == SMTP_FAULT_LOCAL)
        return verdict(TRUST_LATER, TRUST_REASON_LOCAL);
    if (answer->fault != SMTP_FAULT_REPLY)
        return verdict(TRUST_LATER, answer->stage == SMTP_STAGE_FINAL ? TRUST_REASON_LOST_AFTER_END
                                                                      : TRUST_REASON_LOST_BEFORE_END);
    if (answer->code < 500)
        return verdict(TRUST_LATER, TRUST_REASON_PROVED_4XX);
    enum trust_reason reason = not_as_it_is(answer, needs);
    if (reason != TRUST_REASON_NONE)
        return verdict(TRUST_POST, reason);
    return verdict(TRUST_RETURN, TRUST_REASON_PROVED_5XX);
}

struct trust_verdict trust_verdict_hold(struct trust_verdict v, bool must_end)
{
    if (v.action == TRUST_LATER && must_end)
        v.action = v.dangling || v.reason == TRUST_REASON_LOCAL ? TRUST_RETURN : TRUST_POST;
    return v;
}

bool trust_verdict_must_end(int64_t accepted_us, int64_t hold_us, int64_t by_us, int64_t now_us)
{
    return now_us - accepted_us >= hold_us || (by_us != 0 && now_us >= by_us);
}
