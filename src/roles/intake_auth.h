/* SPDX-License-Identifier: Apache-2.0 */
/* AUTH: PLAIN, LOGIN, SCRAM-SHA-256 and SCRAM-SHA-256-PLUS. The conversations are held here, keyd alone judges. */
#ifndef ROLES_INTAKE_AUTH_H
#define ROLES_INTAKE_AUTH_H

#include "roles/intake_session.h"

#define INTAKE_AUTH_MECHANISMS "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"

/* The SMTP session's auth(): begins an exchange. */
void intake_auth_start(void *session, struct slice mechanism, bool has_initial, struct slice initial);
/* The SMTP session's auth_response(). */
void intake_auth_response(void *session, struct slice response);
/* The SMTP session's auth_forget(), and the end of the session. Harmless without an exchange. */
void intake_auth_forget(void *session);

#endif
