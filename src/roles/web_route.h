/* SPDX-License-Identifier: Apache-2.0 */
/* From a whole request to what is done about it. */
#ifndef ROLES_WEB_ROUTE_H
#define ROLES_WEB_ROUTE_H

#include "roles/web_conn.h"

/* Answers conn->request, or makes the job that will. */
void web_route_request(struct web_conn *conn);

/* True when a request that changes something came from one of our own pages, as far as its headers tell: no
 * Sec-Fetch-Site but same-origin or none, no Origin but our own. Browsers send "Origin: null" from pages without
 * referrer, which ours are, so that null counts as untold; cookie (SameSite=Strict) and form token decide then. */
bool web_route_own_page(const struct http_request *request, struct slice base_url);

#endif
