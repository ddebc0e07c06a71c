/* SPDX-License-Identifier: Apache-2.0 */
/* Frees what a host try left behind. */
#include "trust/trust_facts.h"

#include "base/mem.h"
#include "trust/trust_cert.h"
#include "trust/trust_dane.h"

void trust_session_clear(struct trust_session *session)
{
    mem_free(session->host);
    mem_free(session->address);
    mem_free(session->reply);
    trust_cert_free(&session->cert);
    trust_dane_free(&session->dane);
    memset(session, 0, sizeof(*session));
}
