/* SPDX-License-Identifier: Apache-2.0 */
/* The replies, in one table. */
#include "mail/refusal.h"

#include <stdlib.h>

static const struct mail_refusal_reply REPLIES[MAIL_REFUSAL_COUNT] = {
    [MAIL_REFUSAL_BARE_CR] = {554, "5.6.0", "a CR stands without LF; lines must end in CRLF"},
    [MAIL_REFUSAL_BARE_LF] = {554, "5.6.0", "an LF stands without CR; lines must end in CRLF"},
    [MAIL_REFUSAL_NUL] = {554, "5.6.0", "the message holds a NUL; encode binary parts in base64"},
    [MAIL_REFUSAL_LINE_LENGTH] = {554, "5.6.0", "a line is longer than 998 octets; encode long lines"},
    [MAIL_REFUSAL_HEADER_SIZE] = {552, "5.3.4", "the header is longer than 256 KB"},
    [MAIL_REFUSAL_HEADER_SYNTAX] = {554, "5.6.0", "the header cannot be read"},
    [MAIL_REFUSAL_HEADER_UTF8] = {554, "5.6.9", "the header of an SMTPUTF8 message is not UTF-8"},
    [MAIL_REFUSAL_FROM] = {550, "5.7.1", "a From, Sender or Resent field cannot be read as one list of addresses"},
    [MAIL_REFUSAL_TLS_OPTIONAL] = {550, "5.7.1", "TLS-Required: No is not possible here; mail leaves over verified TLS only"},
    [MAIL_REFUSAL_MINIMUM] = {550, "5.7.1", "Sealpost-Minimum-Proof must be pkix, pkix+dnssec, sts or dane"},
};

const struct mail_refusal_reply *mail_refusal_reply(enum mail_refusal refusal)
{
    if (refusal <= MAIL_REFUSAL_NONE || refusal >= MAIL_REFUSAL_COUNT)
        abort();
    return &REPLIES[refusal];
}
