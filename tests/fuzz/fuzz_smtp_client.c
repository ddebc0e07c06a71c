/* SPDX-License-Identifier: Apache-2.0 */
/* A hostile server against the client: replies cut anywhere, in the clear and inside TLS, with a message under way. What
 * must hold: no crash, bounded memory, and no byte of MAIL FROM or content before TLS was reported. */
#include <stdlib.h>
#include <string.h>

#include "smtp/smtp_client_transaction.h"

static enum smtp_read_status content(void *context, struct slice *ret_piece)
{
    (void)context;
    *ret_piece = SLICE_LIT("Subject: canary\r\n\r\n.dot\r\n");
    return SMTP_READ_LAST;
}

/* Takes what is to be sent; before TLS it may be EHLO, STARTTLS and QUIT only. */
static void take(struct smtp_client_connection *conn)
{
    for (struct slice out = smtp_client_connection_output(conn); out.len > 0; out = smtp_client_connection_output(conn)) {
        if (!smtp_client_connection_tls(conn) && (memmem(out.data, out.len, "MAIL", 4) != NULL ||
                                                  memmem(out.data, out.len, "canary", 6) != NULL))
            abort();
        smtp_client_connection_sent(conn, out.len);
    }
}

static struct smtp_client_transaction *start(struct smtp_client_connection *conn)
{
    const struct smtp_client_message message = {.sender = SLICE_LIT("a@us.example"), .size = 24, .read = content};
    const struct smtp_client_recipient to[] = {{.address = SLICE_LIT("b@x.example")}, {.address = SLICE_LIT("c@x.example")}};
    struct smtp_permit *permit = smtp_permit_proved(conn);
    return smtp_client_transaction_start(conn, &permit, &message, to, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte of each piece is its length. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_client_connection *conn = smtp_client_connection_create("us.example");
    struct smtp_client_transaction *transaction = NULL;
    struct slice in = slice_of(data, size);
    while (in.len > 0 && smtp_client_connection_state(conn) != SMTP_CLIENT_ENDED) {
        size_t n = in.data[0];
        take(conn);
        smtp_client_connection_feed(conn, slice_sub(in, 1, n));
        in = slice_sub(in, 1 + n, in.len);
        if (smtp_client_connection_state(conn) == SMTP_CLIENT_CLEAR && !smtp_client_connection_starttls(conn))
            smtp_client_connection_quit(conn);
        else if (smtp_client_connection_state(conn) == SMTP_CLIENT_HANDSHAKE && (in.len == 0 || in.data[0] != 1))
            smtp_client_connection_tls_started(conn);
        else if (smtp_client_connection_state(conn) == SMTP_CLIENT_READY && transaction == NULL)
            transaction = start(conn);
    }
    take(conn);
    smtp_client_transaction_free(&transaction);
    smtp_client_connection_free(&conn);
    return 0;
}
