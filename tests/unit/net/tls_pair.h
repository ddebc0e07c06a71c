/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate made on the spot, for tests of TLS over a socket pair. */
#ifndef TESTS_TLS_PAIR_H
#define TESTS_TLS_PAIR_H

#include "base/buf.h"

/* Appends a new P-256 key and its self-signed certificate for name, both PEM, valid for a day around now. */
void tls_pair_make(const char *name, struct buf *certificate, struct buf *key);

#endif
