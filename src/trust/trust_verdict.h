/* SPDX-License-Identifier: Apache-2.0 */
/* The one decision point (design section 7): facts in, verdict and reason out. Pure functions; nothing else decides. */
#ifndef TRUST_TRUST_VERDICT_H
#define TRUST_TRUST_VERDICT_H

#include "trust/trust_facts.h"
#include "trust/trust_reason.h"

enum trust_action {
    TRUST_SEND = 1,      /* of a session: proved, go on; of an answer: delivered */
    TRUST_NEXT_HOST = 2, /* try the next host; when none is left: see trust_destination */
    TRUST_LATER = 3,     /* try the whole again later, until the holding limit */
    TRUST_POST = 4,      /* to the Message Center */
    TRUST_RETURN = 5,    /* back to the sender */
};

struct trust_verdict {
    enum trust_action action;
    enum trust_reason reason;
    enum trust_level level; /* SEND of a session: what was proved */
    bool attack;            /* a sign of attack: a notice needs proof or the operator's release */
    bool dangling;          /* LATER that ends as RETURN, not as POST, at the holding limit */
};

/* "send", "next host", ... */
const char *trust_action_name(enum trust_action action);

/* "none", "pkix", "pkix+dnssec", "sts", "dane". */
const char *trust_level_name(enum trust_level level);

/* Judges what DNS says of a domain. NEXT_HOST: go on with the first host. */
struct trust_verdict trust_verdict_domain(const struct trust_domain *domain);

/* What became of the TLSA question, as far as it counts: UNASKED when the MX answer is not secure. */
enum trust_tlsa_state trust_verdict_tlsa(const struct trust_domain *domain, const struct trust_session *session);

/* True when the host must prove itself: a policy in mode enforce, or usable TLSA records. */
bool trust_verdict_expected(const struct trust_domain *domain, const struct trust_session *session);

/* True for the reasons that say "did not prove itself": no TLS, injected text, profile, certificate, TLSA, policy, pin. */
bool trust_verdict_is_proof_failure(enum trust_reason reason);

/* The level that a session shows of a domain, whatever is demanded of a message; NONE when it proves nothing, or less
 * than the domain has shown before. What a domain has shown is remembered even where nothing was delivered. */
enum trust_level trust_verdict_shown(const struct trust_domain *domain, const struct trust_session *session,
                                     int64_t now_us);

/* The level that is demanded of a message with these needs: REQUIRETLS raises it to PKIX_DNSSEC (RFC 8689 4.2.1). */
enum trust_level trust_verdict_minimum(enum trust_level minimum, const struct trust_needs *needs);

/* Judges a host by DNS and policy before anything is tried (rules 1 to 3). NEXT_HOST with reason NONE: connect. Any other
 * reason: skip it. */
struct trust_verdict trust_verdict_host(const struct trust_domain *domain, const struct trust_session *session);

/* Judges a host that was tried, whatever happened, for a domain at the time now_us (UTC microseconds). Also for a session
 * that is reused. SEND: proved. The facts may be of any age or kind and need not fit together: docs/formats-trust.md says
 * which of them counts. */
struct trust_verdict trust_verdict_session(const struct trust_domain *domain, const struct trust_session *session,
                                           int64_t now_us);

/* Judges whether a proved host can take a message as it is: SEND or POST. */
struct trust_verdict trust_verdict_needs(const struct smtp_client_caps *caps, const struct trust_needs *needs);

/* Judges the answer to a recipient or the message on a proved session: SEND (delivered), LATER, POST or RETURN. */
struct trust_verdict trust_verdict_answer(const struct trust_answer *answer, const struct trust_needs *needs);

/* Applies the holding limit: with must_end LATER becomes POST, or RETURN when every MX is dangling, and when our own
 * content cannot be read, for then nothing can be posted either. The reason stays. */
struct trust_verdict trust_verdict_hold(struct trust_verdict verdict, bool must_end);

/* True when nothing may be held longer: the holding limit hold_us after acceptance, or the sender's DELIVERBY time by_us
 * (0: none), has come. All times UTC microseconds. */
bool trust_verdict_must_end(int64_t accepted_us, int64_t hold_us, int64_t by_us, int64_t now_us);

#endif
