/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed content of a lease as plaintext, piece by piece: small content whole and verified before anything is sent, large
 * content frame by frame from its file. */
#ifndef ROLES_COURIER_CONTENT_H
#define ROLES_COURIER_CONTENT_H

#include "roles/courier.h"

/* Fills *content for a lease; nothing is read yet. sealed and header are borrowed, key too. */
void courier_content_init(struct courier_content *content, struct slice header, const struct key *key,
                          struct slice sealed, int fd, uint64_t length);

/* Goes to the first byte. False with the reason when header and key do not fit. */
bool courier_content_start(struct courier_content *content, struct err *err);

/* The next piece; context is a struct courier_content. See smtp_client_read. */
enum smtp_read_status courier_content_read(void *context, struct slice *ret_piece);

/* Wipes and frees what reading took. */
void courier_content_free(struct courier_content *content);

#endif
