/* SPDX-License-Identifier: Apache-2.0 */
/* One table of keywords; parameters of SIZE and LIMITS. */
#include "smtp/smtp_client_caps.h"

static const struct {
    const char *keyword;
    size_t offset;
} caps_flags[] = {
    {"STARTTLS", offsetof(struct smtp_client_caps, starttls)},
    {"PIPELINING", offsetof(struct smtp_client_caps, pipelining)},
    {"8BITMIME", offsetof(struct smtp_client_caps, eight_bit)},
    {"SMTPUTF8", offsetof(struct smtp_client_caps, utf8)},
    {"CHUNKING", offsetof(struct smtp_client_caps, chunking)},
    {"DSN", offsetof(struct smtp_client_caps, dsn)},
    {"SIZE", offsetof(struct smtp_client_caps, size)},
    {"ENHANCEDSTATUSCODES", offsetof(struct smtp_client_caps, enhanced)},
    {"REQUIRETLS", offsetof(struct smtp_client_caps, require_tls)},
    {"DELIVERBY", offsetof(struct smtp_client_caps, deliver_by)},
};

static void read_limits(struct slice params, struct smtp_client_caps *caps)
{
    while (params.len > 0) {
        size_t end = slice_find(params, 0, ' ');
        struct slice word = slice_sub(params, 0, end);
        uint64_t n = 0;
        if (slice_istarts(word, SLICE_LIT("RCPTMAX=")) && slice_u64(slice_sub(word, 8, word.len), 999999, &n))
            caps->rcpt_max = (uint32_t)n;
        else if (slice_istarts(word, SLICE_LIT("MAILMAX=")) && slice_u64(slice_sub(word, 8, word.len), 999999, &n))
            caps->mail_max = (uint32_t)n;
        params = slice_trim(slice_sub(params, end, params.len));
    }
}

static void read_keyword(struct slice line, struct smtp_client_caps *caps)
{
    size_t end = slice_find(line, 0, ' ');
    struct slice keyword = slice_sub(line, 0, end);
    struct slice params = slice_trim(slice_sub(line, end, line.len));
    for (size_t i = 0; i < sizeof(caps_flags) / sizeof(*caps_flags); i++) {
        if (slice_ieq(keyword, slice_str(caps_flags[i].keyword)))
            *(bool *)(void *)((char *)caps + caps_flags[i].offset) = true;
    }
    if (slice_ieq(keyword, SLICE_LIT("SIZE")))
        slice_u64(params, UINT64_MAX, &caps->size_max);
    if (slice_ieq(keyword, SLICE_LIT("LIMITS")))
        read_limits(params, caps);
}

void smtp_client_caps_read(const struct smtp_reply *reply, struct smtp_client_caps *ret_caps)
{
    memset(ret_caps, 0, sizeof(*ret_caps));
    for (size_t i = 1; i < reply->lines; i++)
        read_keyword(slice_trim(smtp_reply_line(reply, i)), ret_caps);
}
