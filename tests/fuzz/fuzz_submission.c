/* SPDX-License-Identifier: Apache-2.0 */
/* The submission filter: cutting the input anywhere changes neither the verdict nor a byte, and what comes out
 * holds no stray CR, LF or NUL. */
#include <stdlib.h>

#include "mail/submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool run(struct mail_submission *s, struct slice in, size_t piece, bool utf8, struct buf *out)
{
    struct mail_trace trace = {.helo = SLICE_LIT("h"), .host = SLICE_LIT("r"), .id = SLICE_LIT("i"), .smtputf8 = utf8};
    struct mail_submission_output o;
    mail_submission_init(s, &trace);
    for (size_t at = 0; at < in.len; at += piece) {
        if (!mail_submission_feed(s, slice_sub(in, at, piece), &o))
            return false;
        buf_append_slice(out, o.head);
        buf_append_slice(out, o.body);
    }
    bool ok = mail_submission_finish(s, &o);
    buf_append_slice(out, o.head);
    return ok;
}

static void check_lines(struct slice out)
{
    for (size_t i = 0; i < out.len; i++) {
        bool cr = i > 0 && out.data[i - 1] == '\r';
        if (out.data[i] == '\0' || (out.data[i] == '\n') != cr)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct slice in = slice_of(data + 1, size - 1);
    size_t piece = (size_t)(data[0] >> 1) + 1;
    struct mail_submission whole;
    struct mail_submission cut;
    struct buf a;
    struct buf b;
    buf_init(&a, 2 * size + 8192);
    buf_init(&b, 2 * size + 8192);
    bool ok = run(&whole, in, in.len, data[0] & 1, &a);
    if (run(&cut, in, piece, data[0] & 1, &b) != ok || whole.refusal != cut.refusal)
        abort();
    if (ok && !slice_eq(buf_slice(&a), buf_slice(&b)))
        abort();
    if (ok)
        check_lines(buf_slice(&a));
    mail_submission_free(&whole);
    mail_submission_free(&cut);
    buf_free(&a);
    buf_free(&b);
    return 0;
}
