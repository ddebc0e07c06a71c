/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS that programs of others send: POST /tlsrpt (RFC 8460 section 5.4). Anybody may send them, so nothing of
 * a body is looked at here: it is sealed as it came, handed to the store, and answered 201 once it is durable. */
#ifndef ROLES_WEB_REPORT_H
#define ROLES_WEB_REPORT_H

#include "roles/web_job.h"

/* Whether the path takes what was asked. Otherwise it was answered: 404 while reports have no contact, 405 for methods
 * other than POST, 415 for what is no report. */
bool web_report_open(struct web_conn *conn, const struct route_match *match);

/* Begins the job of taking one. */
void web_report_start(struct web_job *job);

#endif
