/* SPDX-License-Identifier: Apache-2.0 */
/* The permit: the only thing with which MAIL FROM and content can be written to a server (P1). It is good for one
 * transaction on one connection. Two places may make one, and ./dev lint holds that list: trust/trust_proved.c, after the
 * verdict on a verified session is SEND, and roles/courier_notice.c, for the public texts of the notice route. */
#ifndef SMTP_SMTP_PERMIT_H
#define SMTP_SMTP_PERMIT_H

#include <stdbool.h>

struct smtp_client_connection;
struct smtp_permit;

/* A permit for protected content. The connection must be ready inside TLS; anything else is a broken promise and
 * aborts the role. Ownership goes to the caller, and with smtp_client_transaction_start() to the transaction. */
struct smtp_permit *smtp_permit_proved(const struct smtp_client_connection *conn);

/* A permit for a notice or a code: Sealpost's own public text, in TLS or in the clear. As above. */
struct smtp_permit *smtp_permit_notice(const struct smtp_client_connection *conn);

/* True while the permit is unused and conn is the connection (and session) it was made for. */
bool smtp_permit_holds(const struct smtp_permit *permit, const struct smtp_client_connection *conn);

/* Destroys an unused permit; *permit becomes NULL; NULL is accepted. */
void smtp_permit_free(struct smtp_permit **permit);

#endif
