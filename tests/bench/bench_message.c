/* SPDX-License-Identifier: Apache-2.0 */
/* Text lines of 76 characters, different in every message, so that one taken for another is noticed. */
#include "bench_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_ROOM 1024u
#define LINE 76u

static const char mark[] = "\r\nMessage-ID: <";

char *bench_message_make(const char *sender, int session, int number, size_t size, size_t *ret_len)
{
    size_t room = size + HEADER_ROOM + BENCH_SENDER_MAX;
    char *text = malloc(room);
    int n;
    size_t len;

    if (text == NULL) {
        abort();
    }
    n = snprintf(text, room,
                 "From: <%s>\r\nTo: <reader@bench.test>\r\nSubject: load\r\nDate: Tue, 24 Nov 2026 12:00:00 +0000%s%d.%d@bench.test>\r\n\r\n",
                 sender, mark, session, number);
    for (len = (size_t)n; len + LINE + 2 <= size; len += LINE + 2) {
        memset(text + len, 'a' + (int)((len + (size_t)session * 7 + (size_t)number) % 26), LINE);
        memcpy(text + len + LINE, "\r\n", 2);
    }
    *ret_len = len;
    return text;
}

bool bench_message_number(const char *text, int *ret_session, int *ret_number)
{
    const char *found = strstr(text, mark);
    char *end;

    if (found == NULL) {
        return false;
    }
    *ret_session = (int)strtol(found + strlen(mark), &end, 10);
    if (*end != '.') {
        return false;
    }
    *ret_number = (int)strtol(end + 1, &end, 10);
    return *end == '@';
}
