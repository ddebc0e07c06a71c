/* SPDX-License-Identifier: Apache-2.0 */
/* A first certificate for the listeners, so that a fresh instance starts: self-signed, to be replaced. */
#ifndef CLI_CLI_TLS_H
#define CLI_CLI_TLS_H

#include "base/err.h"

/* Writes a P-256 key and a self-signed certificate for hostname (valid for `days` days) as key.pem (mode 0600) and
 * cert.pem below the folder `folder_fd`. False with the reason. */
bool cli_tls_make(int folder_fd, const char *hostname, unsigned days, struct err *err);

#endif
