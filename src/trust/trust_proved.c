/* SPDX-License-Identifier: Apache-2.0 */
/* Verification says SEND, then and only then a permit comes into being. */
#include "trust/trust_proved.h"

struct trust_verdict trust_proved_permit(const struct trust_domain *domain, const struct trust_session *session,
                                         const struct smtp_client_connection *conn, int64_t now_us,
                                         struct smtp_permit **ret_permit)
{
    struct trust_verdict v = trust_verdict_session(domain, session, now_us);
    *ret_permit = v.action == TRUST_SEND ? smtp_permit_proved(conn) : NULL;
    return v;
}
