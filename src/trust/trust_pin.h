/* SPDX-License-Identifier: Apache-2.0 */
/* Pins: public keys an operator expects of a domain. "sha256:BASE64" is the SHA-256 of the server's
 * SubjectPublicKeyInfo, "ca-sha256:BASE64" that of any issuer in the verified path. When pins end is the caller's. */
#ifndef TRUST_TRUST_PIN_H
#define TRUST_TRUST_PIN_H

#include "base/err.h"
#include "trust/trust_facts.h"

#define TRUST_PINS_MAX 16u /* of one domain: today's and a spare for each of a few servers */

struct trust_pin_entry {
    bool ca;
    struct digest spki;
};

struct trust_pin_set {
    size_t count;
    struct trust_pin_entry pins[TRUST_PINS_MAX];
};

/* Adds the pin of text to set, which starts zeroed. False with a reason: another form, not 32 bytes, or no room. A pin that
 * is there already is not added twice. */
bool trust_pin_add(struct trust_pin_set *set, struct slice text, struct err *err);

/* Compares with the public keys of a verified path, leaf first. NONE without pins; MISMATCH without a path. */
enum trust_pin trust_pin_check(const struct trust_pin_set *set, const struct digest *spki, size_t count);

/* Compares with the path that proves the session: DANE's where usable records decide, else PKIX'. */
enum trust_pin trust_pin_session(const struct trust_pin_set *set, const struct trust_session *session);

#endif
