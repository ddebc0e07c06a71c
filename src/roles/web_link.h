/* SPDX-License-Identifier: Apache-2.0 */
/* Codes and links: POST /l/TOKEN, /l/TOKEN/code, /l/TOKEN/new, /m/LETTER/logout. Every answer leaves in a slot of time
 * and, until a code was right, looks the same whether link and letter exist or not. */
#ifndef ROLES_WEB_LINK_H
#define ROLES_WEB_LINK_H

#include "roles/web_job.h"

#define WEB_COOKIE_AGE_S 86400u /* the store ends a session earlier: idle time and the letter's life */
#define WEB_TRANSIT_TENANT SLICE_LIT("center") /* codes on their way are sealed under one key a day for all tenants */

/* Begins a job of one of these routes. */
void web_link_start(struct web_job *job);

#endif
