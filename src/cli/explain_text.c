/* SPDX-License-Identifier: Apache-2.0 */
/* The clerk's part and the owner's part; the engineer's part is explain_detail.c. */
#include "cli/explain_text.h"

#include "base/clock.h"
#include "base/codec.h"
#include "cli/explain_detail.h"
#include "cli/explain_mend.h"

const char *explain_end_name(const struct explain_fate *fate)
{
    switch (fate->verdict.action) {
    case TRUST_SEND: return "delivered";
    case TRUST_LATER: return "later";
    case TRUST_RETURN: return "returned";
    default: return "posted";
    }
}

static void put_hold(struct buf *out, int64_t us)
{
    int64_t minutes = us / (60 * CLOCK_US_PER_S);

    if (minutes >= 120 && minutes % 60 == 0) {
        (void)buf_printf(out, "%lld hours", (long long)(minutes / 60));
    } else if (minutes >= 2) {
        (void)buf_printf(out, "%lld minutes", (long long)minutes);
    } else {
        (void)buf_printf(out, "%lld seconds", (long long)(us / CLOCK_US_PER_S));
    }
}

static void put_answer(const struct explain *explain, const struct trust_verdict *verdict, struct buf *out)
{
    switch (verdict->action) {
    case TRUST_SEND:
        (void)buf_append_str(out, "would be delivered to the recipient's mail server over a proved, encrypted connection.\n");
        break;
    case TRUST_LATER:
        (void)buf_append_str(out, "could not be delivered now. It would be tried again for ");
        put_hold(out, explain->hold_us);
        (void)buf_append_str(out, verdict->dangling ? " and then returned to the sender.\n"
                                                    : " and then kept in the Message Center.\n");
        break;
    case TRUST_RETURN:
        (void)buf_append_str(out, "would be returned to the sender.\n");
        break;
    default:
        (void)buf_append_str(out, "would not be delivered. It would be kept in the Message Center, and the recipient would get a "
                                  "notice with a link to it.\n");
        break;
    }
}

/* How strong the proof is, without the words of the trade. */
static const char *level_words(enum trust_level level)
{
    switch (level) {
    case TRUST_LEVEL_DANE: return "Strength of the proof: 4 of 4 (the domain signs which certificate its server has; DANE).";
    case TRUST_LEVEL_STS: return "Strength of the proof: 3 of 4 (the domain publishes a policy that names its server; MTA-STS).";
    case TRUST_LEVEL_PKIX_DNSSEC: return "Strength of the proof: 2 of 4 (a public certificate, found through signed answers).";
    case TRUST_LEVEL_PKIX: return "Strength of the proof: 1 of 4 (a public certificate for the server's name).";
    default: return "";
    }
}

void explain_text_clerk(const struct explain *explain, struct buf *out)
{
    const struct trust_verdict *verdict = &explain_end(explain)->verdict;

    (void)buf_append_str(out, "Mail to ");
    if (explain->has_address) {
        (void)mail_address_text(out, &explain->address);
    } else {
        (void)buf_append_str(out, explain->domain.text);
    }
    (void)buf_append_byte(out, ' ');
    put_answer(explain, verdict, out);
    (void)buf_append_str(out, trust_reason_clerk((uint16_t)verdict->reason));
    (void)buf_append_byte(out, '\n');
    if (verdict->action == TRUST_SEND) {
        (void)buf_printf(out, "%s\n", level_words(verdict->level));
    }
    if (verdict->attack) {
        (void)buf_append_str(out, "This is what an attacker in between would bring about. Not even a notice would leave until the "
                                  "server proves itself or the operator releases it.\n");
    }
}

void explain_text_mend(const struct explain *explain, struct buf *out)
{
    struct explain_mends mends;

    explain_mends_of(explain, &mends);
    for (size_t i = 0; i < mends.count; i++) {
        const struct explain_mend *mend = &mends.item[i];
        (void)buf_append_str(out, "  - ");
        if (mend->host != NULL) {
            (void)codec_escape(out, slice_str(mend->host));
            (void)buf_append_str(out, ": ");
        }
        (void)buf_printf(out, "%s", mend->words);
        if (mend->detail.len > 0) {
            (void)buf_append_str(out, " (");
            (void)codec_escape(out, mend->detail);
            (void)buf_append_byte(out, ')');
        }
        (void)buf_printf(out, "\n    see %s\n", mend->anchor);
    }
}

void explain_text(const struct explain *explain, struct buf *out)
{
    size_t before;

    explain_text_clerk(explain, out);
    (void)buf_append_str(out, "\nWhat the owner of the domain should mend:\n");
    before = out->len;
    explain_text_mend(explain, out);
    if (out->len == before) {
        (void)buf_append_str(out, "  nothing.\n");
    }
    (void)buf_append_str(out, "\nFor engineers:\n");
    explain_detail(explain, out);
}
