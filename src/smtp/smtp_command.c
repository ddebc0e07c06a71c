/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs of SMTP, and those of HTTP by which a confused or hostile client gives itself away. */
#include "smtp/smtp_command.h"

#include "smtp/smtp_syntax.h"

struct verb_name {
    struct slice name;
    enum smtp_verb verb;
};

#define VERB(text, value) {{(const uint8_t *)(text), sizeof(text) - 1}, value}

static const struct verb_name verbs[] = {
    VERB("MAIL", SMTP_VERB_MAIL),     VERB("RCPT", SMTP_VERB_RCPT),         VERB("DATA", SMTP_VERB_DATA),
    VERB("BDAT", SMTP_VERB_BDAT),     VERB("EHLO", SMTP_VERB_EHLO),         VERB("HELO", SMTP_VERB_HELO),
    VERB("AUTH", SMTP_VERB_AUTH),     VERB("STARTTLS", SMTP_VERB_STARTTLS), VERB("QUIT", SMTP_VERB_QUIT),
    VERB("RSET", SMTP_VERB_RSET),     VERB("NOOP", SMTP_VERB_NOOP),         VERB("VRFY", SMTP_VERB_VRFY),
    VERB("EXPN", SMTP_VERB_EXPN),     VERB("HELP", SMTP_VERB_HELP),         VERB("GET", SMTP_VERB_HTTP),
    VERB("POST", SMTP_VERB_HTTP),     VERB("HEAD", SMTP_VERB_HTTP),         VERB("PUT", SMTP_VERB_HTTP),
    VERB("DELETE", SMTP_VERB_HTTP),   VERB("OPTIONS", SMTP_VERB_HTTP),      VERB("CONNECT", SMTP_VERB_HTTP),
    VERB("TRACE", SMTP_VERB_HTTP),    VERB("PATCH", SMTP_VERB_HTTP),        VERB("PRI", SMTP_VERB_HTTP),
    VERB("PROPFIND", SMTP_VERB_HTTP),
};

static enum smtp_verb verb_of(struct slice word)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
        if (slice_ieq(word, verbs[i].name))
            return verbs[i].verb;
    }
    return SMTP_VERB_UNKNOWN;
}

bool smtp_command_parse(struct slice line, struct smtp_command *ret_command)
{
    *ret_command = (struct smtp_command){SMTP_VERB_UNKNOWN, SLICE_EMPTY};
    if (line.len == 0 || !smtp_syntax_is_printable(line))
        return false;
    size_t end = slice_find(line, 0, ' ');
    ret_command->verb = verb_of(slice_sub(line, 0, end));
    ret_command->argument = slice_trim(slice_sub(line, end, line.len - end));
    return true;
}
