/* SPDX-License-Identifier: Apache-2.0 */
/* Proved TLS, else unproved TLS, else clear; never TLS below 1.2, which the client context cannot speak. */
#include "trust/trust_notice.h"

#define TLS_1_2 0x0303

/* TLS was offered and did not come about for a reason that a connection without it can avoid. */
static bool tls_stumbled(const struct trust_session *session)
{
    bool at_tls = session->stage == SMTP_STAGE_HANDSHAKE ||
                  (session->stage == SMTP_STAGE_STARTTLS && session->fault == SMTP_FAULT_REPLY && session->code >= 500);
    return session->connect == TRUST_CONNECT_OK && session->fault != SMTP_FAULT_NONE && at_tls;
}

bool trust_notice_needs_proof(const struct trust_domain *domain, const struct trust_session *session, bool attack)
{
    return attack || domain->shown > TRUST_LEVEL_NONE || trust_verdict_expected(domain, session);
}

static enum trust_channel without_proof(const struct trust_session *session, bool clear)
{
    if (session->connect == TRUST_CONNECT_OK && session->fault == SMTP_FAULT_NONE) {
        if (session->tls.established)
            return session->ready && session->tls.protocol >= TLS_1_2 ? TRUST_CHANNEL_TLS : TRUST_CHANNEL_NONE;
        return session->starttls && !clear ? TRUST_CHANNEL_RETRY : TRUST_CHANNEL_CLEAR;
    }
    return !clear && tls_stumbled(session) ? TRUST_CHANNEL_RETRY : TRUST_CHANNEL_NONE;
}

/* What is demanded of the message beyond proof is not demanded of its notice, which holds nothing of it: a domain that
 * proves less than the operator wants can still be told. */
static struct trust_verdict judge(const struct trust_domain *domain, const struct trust_session *session, int64_t now_us)
{
    struct trust_domain undemanding = *domain;
    undemanding.minimum = TRUST_LEVEL_PKIX;
    return trust_verdict_session(&undemanding, session, now_us);
}

enum trust_channel trust_notice_channel(const struct trust_domain *domain, const struct trust_session *session,
                                        bool clear, bool attack, int64_t now_us)
{
    struct trust_verdict v = judge(domain, session, now_us);
    if (v.action == TRUST_SEND && session->tls.established)
        return TRUST_CHANNEL_PROVED;
    if (trust_notice_needs_proof(domain, session, attack || v.attack))
        return TRUST_CHANNEL_NONE;
    /* DNS or policy say that this host is not to be spoken to. */
    if (trust_verdict_host(domain, session).reason != TRUST_REASON_NONE)
        return TRUST_CHANNEL_NONE;
    return without_proof(session, clear);
}

enum trust_channel trust_notice_channel_released(const struct trust_domain *domain, const struct trust_session *session,
                                                 bool clear, int64_t now_us)
{
    struct trust_verdict v = judge(domain, session, now_us);
    if (v.action == TRUST_SEND && session->tls.established)
        return TRUST_CHANNEL_PROVED;
    return trust_verdict_host(domain, session).action == TRUST_LATER || session->dns != TRUST_DNS_OK
               ? TRUST_CHANNEL_NONE
               : without_proof(session, clear);
}

void trust_notice_add(struct trust_notice *notice, bool refused, bool held)
{
    if (held)
        notice->held++;
    else if (refused)
        notice->refused++;
    else
        notice->other++;
}

bool trust_notice_refusal(const struct trust_session *session)
{
    return session->fault == SMTP_FAULT_REPLY && session->code >= 500;
}

enum trust_notice_end trust_notice_end(const struct trust_notice *notice)
{
    if (notice->held > 0)
        return TRUST_NOTICE_HELD;
    return notice->other == 0 && notice->refused > 0 ? TRUST_NOTICE_REFUSED : TRUST_NOTICE_LATER;
}
