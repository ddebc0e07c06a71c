/* SPDX-License-Identifier: Apache-2.0 */
/* Message content on its way to the wire: pulled piece by piece from whoever holds it, checked (row 2: only CRLF, no
 * NUL), dot-stuffed for DATA or cut into chunks for BDAT, and handed on as slices of the pieces themselves. */
#ifndef SMTP_SMTP_CLIENT_CONTENT_H
#define SMTP_SMTP_CLIENT_CONTENT_H

#include "base/slice.h"

enum smtp_read_status {
    SMTP_READ_PIECE, /* a piece, more follows */
    SMTP_READ_LAST,  /* the last piece; may be empty */
    SMTP_READ_WAIT,  /* nothing now; smtp_client_connection_output() will ask again when called again */
    SMTP_READ_FAIL,  /* the content cannot be read: it must never be completed at the peer */
};

/* Gives the next piece, which must stay unchanged until the next call or the end of the transaction. */
typedef enum smtp_read_status (*smtp_client_read)(void *context, struct slice *ret_piece);

enum smtp_content_status {
    SMTP_CONTENT_RUN,  /* *ret_run is to be sent */
    SMTP_CONTENT_WAIT, /* as SMTP_READ_WAIT */
    SMTP_CONTENT_END,  /* everything was given out */
    SMTP_CONTENT_BAD,  /* unreadable, or not fit for the wire */
};

struct smtp_client_content {
    smtp_client_read read;
    void *context;
    struct slice rest;  /* of the present piece */
    bool last;          /* the present piece is the last */
    bool cr;            /* the last byte checked was a CR */
    bool line_start;    /* the next byte of rest begins a line */
    bool stuffed;       /* the dot before rest was given out */
    bool ended;
};

/* Starts at the first byte of the content. */
void smtp_client_content_init(struct smtp_client_content *content, smtp_client_read read, void *context);

/* The next run for DATA, with dots stuffed (RFC 5321 4.5.2) and, at the end, the final dot line. */
enum smtp_content_status smtp_client_content_data(struct smtp_client_content *content, struct slice *ret_run);

/* The next chunk for BDAT (RFC 3030); *ret_last is set with the last one, which may be empty. */
enum smtp_content_status smtp_client_content_chunk(struct smtp_client_content *content, struct slice *ret_chunk,
                                                   bool *ret_last);

#endif
