/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers reasons; what is to be done about each stands in the table of reasons. */
#include "cli/explain_mend.h"

#include "cli/explain_text.h"

static void add(struct explain_mends *mends, enum trust_reason reason, const char *host, struct slice detail)
{
    const char *words = trust_reason_mend((uint16_t)reason);

    for (size_t i = 0; i < mends->count; i++) {
        const struct explain_mend *known = &mends->item[i];
        if (known->reason == reason && slice_eq(slice_str(known->host), slice_str(host))) {
            return;
        }
    }
    if (*words != '\0' && mends->count < EXPLAIN_MENDS_MAX) {
        mends->item[mends->count++] =
            (struct explain_mend){(uint16_t)reason, host, words, trust_reason_anchor((uint16_t)reason), detail};
    }
}

/* How the look for a policy failed, as a reason. */
static enum trust_reason sts_reason(enum trust_sts_look look)
{
    switch (look) {
    case TRUST_STS_DNS_FAILED: return TRUST_REASON_STS_DNS_FAILED;
    case TRUST_STS_RECORD_INVALID: return TRUST_REASON_STS_RECORD_INVALID;
    case TRUST_STS_FETCH_FAILED: return TRUST_REASON_STS_FETCH_FAILED;
    case TRUST_STS_CERT_FAILED: return TRUST_REASON_STS_CERT_FAILED;
    case TRUST_STS_POLICY_INVALID: return TRUST_REASON_STS_POLICY_INVALID;
    case TRUST_STS_KEPT: return TRUST_REASON_STS_VANISHED;
    default: return TRUST_REASON_NONE;
    }
}

static const char *detail_of(const struct trust_session *facts, enum trust_reason reason)
{
    if (facts->code != 0 && facts->reply != NULL) {
        return facts->reply;
    }
    if (reason >= TRUST_REASON_CERT_NONE && reason <= TRUST_REASON_CERT_REVOKED) {
        return facts->cert.detail;
    }
    return facts->dane.detail;
}

static void add_host(const struct explain *explain, const struct explain_host *host, struct explain_mends *mends)
{
    enum trust_profile profile = explain->demanded;

    for (size_t a = 0; a < COURIER_ADDRESSES_MAX; a++) {
        const struct explain_try *try = &host->tries[profile][a];
        const struct trust_cert *cert = &try->facts.cert;
        if (!try->judged) {
            continue;
        }
        if (try->verdict.action != TRUST_SEND) {
            add(mends, try->verdict.reason, host->name, slice_str(detail_of(&try->facts, try->verdict.reason)));
        } else if (try->verdict.level != TRUST_LEVEL_DANE && cert->until_us - explain->at_us < EXPLAIN_SOON_US) {
            add(mends, TRUST_REASON_CERT_EXPIRING, host->name, SLICE_EMPTY);
        }
    }
}

void explain_mends_of(const struct explain *explain, struct explain_mends *ret_mends)
{
    struct trust_verdict domain = trust_verdict_domain(&explain->facts);

    memset(ret_mends, 0, sizeof(*ret_mends));
    if (domain.action != TRUST_NEXT_HOST) {
        add(ret_mends, domain.reason, NULL, SLICE_EMPTY);
    }
    add(ret_mends, sts_reason(explain->facts.sts_look), NULL, explain->dossier.sts_detail);
    for (size_t h = 0; h < explain->count; h++) {
        add_host(explain, &explain->host[h], ret_mends);
    }
}
