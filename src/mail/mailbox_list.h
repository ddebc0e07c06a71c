/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of a From, Sender or Resent- field (RFC 5322 3.4, RFC 6854). Display names and comments are skipped, never
 * decoded; the address itself is decided by mail_address_parse() alone. What programs read in different ways is
 * refused: an at sign outside an address, encoded words in an address, nested groups, source routes, white space or
 * comments inside an address. */
#ifndef MAIL_MAILBOX_LIST_H
#define MAIL_MAILBOX_LIST_H

#include "mail/address.h"

struct mail_mailbox_list {
    struct mail_address *addresses;
    size_t count; /* 0 when the field names nobody */
    size_t capacity;
};

/* Reads the value of a field (folds allowed) with the flags of mail_address_parse(). A value in plain ASCII without
 * any at sign and without encoded words names nobody: true with count 0. False with a reason in err otherwise when
 * malformed, without an address or above MAIL_MAILBOXES_MAX; the list is then empty. Free with mail_mailbox_list_free(). */
bool mail_mailbox_list_parse(struct slice value, unsigned flags, struct mail_mailbox_list *ret_list, struct err *err);

/* As above, behind the addresses that are in the list already. After a failure it holds what was read up to there. */
bool mail_mailbox_list_add(struct slice value, unsigned flags, struct mail_mailbox_list *list, struct err *err);

/* Releases the addresses; the list is empty again. NULL is accepted. */
void mail_mailbox_list_free(struct mail_mailbox_list *list);

#endif
