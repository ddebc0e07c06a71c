/* SPDX-License-Identifier: Apache-2.0 */
/* Replies: whatever comes, memory is bounded, reading in pieces gives what reading whole gives, and the shown text is
 * printable ASCII. */
#include <stdlib.h>

#include "smtp/smtp_client_caps.h"

static void show(const struct smtp_reply *reply)
{
    struct smtp_client_caps caps;
    struct buf text;
    buf_init(&text, SMTP_REPLY_TEXT_MAX);
    smtp_reply_escape(reply, &text);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7e)
            abort();
    }
    if (!buf_ok(&text))
        abort();
    buf_free(&text);
    smtp_client_caps_read(reply, &caps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_reply whole, cut;
    smtp_reply_init(&whole);
    smtp_reply_init(&cut);
    size_t used = smtp_reply_feed(&whole, slice_of(data, size));
    size_t at = 0;
    while (at < size && cut.status == SMTP_REPLY_MORE)
        at += smtp_reply_feed(&cut, slice_of(data + at, 1));
    if (whole.status != cut.status || (whole.status == SMTP_REPLY_DONE && (used != at || whole.code != cut.code)))
        abort();
    if (whole.status == SMTP_REPLY_DONE)
        show(&whole);
    smtp_reply_free(&whole);
    smtp_reply_free(&cut);
    return 0;
}
