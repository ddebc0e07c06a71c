/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a message through mail_submission in pieces of a chosen size and gathers what comes out. */
#ifndef TESTS_UNIT_MAIL_SUBMISSION_RUN_H
#define TESTS_UNIT_MAIL_SUBMISSION_RUN_H

#include "mail/submission.h"

static const struct mail_trace RUN_TRACE = {
    .helo = {(const uint8_t *)"client.example", 14},
    .client_ip = {(const uint8_t *)"192.0.2.7", 9},
    .host = {(const uint8_t *)"relay.example", 13},
    .id = {(const uint8_t *)"ID1", 3},
    .tls_version = {(const uint8_t *)"TLSv1.3", 7},
    .tls_cipher = {(const uint8_t *)"TLS_AES_256_GCM_SHA384", 22},
    .tls_bits = 256,
    .utc_us = INT64_C(1790000000000000),
};

#define RUN_RECEIVED                                                                                                     \
    "Received: from client.example ([192.0.2.7])\r\n"                                                                    \
    "\tby relay.example with ESMTPSA id ID1\r\n"                                                                         \
    "\t(version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256);\r\n"                                                    \
    "\tMon, 21 Sep 2026 14:13:20 +0000\r\n"
#define RUN_DATE "Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n"
#define RUN_ID "Message-ID: <ID1@relay.example>\r\n"

/* Pieces of `piece` bytes, the first of `first` bytes. out is reset. *s stays for looking at; free it. */
static inline bool run_submission(struct mail_submission *s, const struct mail_trace *trace, struct slice message,
                                  size_t first, size_t piece, struct buf *out)
{
    struct mail_submission_output o;
    size_t at = 0;
    buf_reset(out);
    mail_submission_init(s, trace);
    while (at < message.len) {
        struct slice part = slice_sub(message, at, at == 0 && first > 0 ? first : piece);
        if (!mail_submission_feed(s, part, &o))
            return false;
        buf_append_slice(out, o.head);
        buf_append_slice(out, o.body);
        at += part.len;
    }
    if (!mail_submission_finish(s, &o))
        return false;
    buf_append_slice(out, o.head);
    buf_append_slice(out, o.body);
    return true;
}

#endif
