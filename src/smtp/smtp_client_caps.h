/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the keywords of an EHLO reply (RFC 5321 section 4.1.1.1). */
#ifndef SMTP_SMTP_CLIENT_CAPS_H
#define SMTP_SMTP_CLIENT_CAPS_H

#include "smtp/smtp_client_connection.h"

/* Fills *ret_caps from a complete 250 reply to EHLO; unknown keywords and bad parameters count as not offered. */
void smtp_client_caps_read(const struct smtp_reply *reply, struct smtp_client_caps *ret_caps);

#endif
