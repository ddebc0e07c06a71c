/* SPDX-License-Identifier: Apache-2.0 */
/* One command line of a client, split into verb and argument. */
#ifndef SMTP_SMTP_COMMAND_H
#define SMTP_SMTP_COMMAND_H

#include "base/slice.h"

enum smtp_verb {
    SMTP_VERB_UNKNOWN,
    SMTP_VERB_EHLO,
    SMTP_VERB_HELO,
    SMTP_VERB_STARTTLS,
    SMTP_VERB_AUTH,
    SMTP_VERB_MAIL,
    SMTP_VERB_RCPT,
    SMTP_VERB_DATA,
    SMTP_VERB_BDAT,
    SMTP_VERB_RSET,
    SMTP_VERB_NOOP,
    SMTP_VERB_QUIT,
    SMTP_VERB_VRFY,
    SMTP_VERB_EXPN,
    SMTP_VERB_HELP,
    SMTP_VERB_HTTP, /* a request line of another protocol: the session ends (row 30) */
};

struct smtp_command {
    enum smtp_verb verb;
    struct slice argument; /* without spaces around it; borrowed from the line */
};

/* Splits a line without its CRLF. False when it is empty or holds a control byte; then nothing of it may be used. */
bool smtp_command_parse(struct slice line, struct smtp_command *ret_command);

#endif
