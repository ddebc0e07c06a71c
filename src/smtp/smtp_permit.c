/* SPDX-License-Identifier: Apache-2.0 */
/* A permit remembers the serial of its connection's session, so that it can never be used on another one. */
#include "smtp/smtp_permit.h"

#include <stdlib.h>

#include "base/mem.h"
#include "net/tls_hole.h"
#include "smtp/smtp_client_connection.h"

struct smtp_permit {
    uint64_t serial;
};

static struct smtp_permit *permit_make(const struct smtp_client_connection *conn)
{
    struct smtp_permit *permit = mem_new(sizeof(*permit));
    permit->serial = smtp_client_connection_serial(conn);
    return permit;
}

struct smtp_permit *smtp_permit_proved(const struct smtp_client_connection *conn)
{
    bool proved = smtp_client_connection_state(conn) == SMTP_CLIENT_READY && smtp_client_connection_tls(conn);
    if (!proved && !tls_hole_verify())
        abort(); /* P1: stays in release builds */
    return permit_make(conn);
}

struct smtp_permit *smtp_permit_notice(const struct smtp_client_connection *conn)
{
    return permit_make(conn);
}

bool smtp_permit_holds(const struct smtp_permit *permit, const struct smtp_client_connection *conn)
{
    return permit != NULL && permit->serial == smtp_client_connection_serial(conn);
}

void smtp_permit_free(struct smtp_permit **permit)
{
    if (permit == NULL || *permit == NULL)
        return;
    mem_free(*permit);
    *permit = NULL;
}
