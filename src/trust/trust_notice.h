/* SPDX-License-Identifier: Apache-2.0 */
/* The notice route's rules (design section 7): which channel a notice or code may take on one host, and what is left
 * when no host is. Public texts only; protected mail never asks here. */
#ifndef TRUST_TRUST_NOTICE_H
#define TRUST_TRUST_NOTICE_H

#include "trust/trust_verdict.h"

enum trust_channel {
    TRUST_CHANNEL_NONE,   /* not on this host */
    TRUST_CHANNEL_PROVED, /* TLS to a proved peer */
    TRUST_CHANNEL_TLS,    /* TLS of 1.2 or newer, not proved */
    TRUST_CHANNEL_CLEAR,  /* in the clear on this connection */
    TRUST_CHANNEL_RETRY,  /* in the clear on a new connection to the same host, without STARTTLS */
};

/* True when a notice leaves to this host over proved TLS or not at all: posting was marked attack, the domain has shown a
 * level before, or the host is expected to prove itself. What is then not to be had is held for the operator. */
bool trust_notice_needs_proof(const struct trust_domain *domain, const struct trust_session *session, bool attack);

/* Which channel this host offers, for a session that is ready, without STARTTLS, or over. clear: the connection was made
 * without a wish for STARTTLS. attack: posting was caused by a sign of attack, so that only proof will do;
 * a verdict on this session that is marked so counts as well. */
enum trust_channel trust_notice_channel(const struct trust_domain *domain, const struct trust_session *session,
                                        bool clear, bool attack, int64_t now_us);

/* The same for a notice that the operator has released: proved TLS when it is there, else without proof, whatever the
 * domain has shown and its policy says. NONE while DNS does not name the host in good order. */
enum trust_channel trust_notice_channel_released(const struct trust_domain *domain, const struct trust_session *session,
                                                 bool clear, int64_t now_us);

enum trust_notice_end {
    TRUST_NOTICE_SENT,
    TRUST_NOTICE_LATER,
    TRUST_NOTICE_REFUSED, /* every host said 5xx; final only the second time */
    TRUST_NOTICE_HELD,    /* a sign of attack and no proof */
};

/* What the hosts tried so far have said. */
struct trust_notice {
    size_t refused; /* hosts that said 5xx to greeting, EHLO or the notice */
    size_t other;   /* hosts that did anything else */
    size_t held;    /* hosts that could not prove themselves when that was needed */
};

/* Adds one host that did not take the notice. refused: it said 5xx. held: for want of proof. */
void trust_notice_add(struct trust_notice *notice, bool refused, bool held);

/* True when a host that ended like this refused for good (a 5xx reply). */
bool trust_notice_refusal(const struct trust_session *session);

/* The end when no host is left. */
enum trust_notice_end trust_notice_end(const struct trust_notice *notice);

#endif
