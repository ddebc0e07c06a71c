/* SPDX-License-Identifier: Apache-2.0 */
/* From a verdict to a permit: the only way to write protected content (P1). */
#ifndef TRUST_TRUST_PROVED_H
#define TRUST_TRUST_PROVED_H

#include "smtp/smtp_permit.h"
#include "trust/trust_verdict.h"

/* Judges the session for this domain now and, when the verdict is SEND, gives a permit for one transaction on conn in
 * *ret_permit (NULL otherwise). session must be the facts of conn. Called for every message anew. */
struct trust_verdict trust_proved_permit(const struct trust_domain *domain, const struct trust_session *session,
                                         const struct smtp_client_connection *conn, int64_t now_us,
                                         struct smtp_permit **ret_permit);

#endif
