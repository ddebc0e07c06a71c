/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a credential may send as: the addresses and domains it was made with, read once at AUTH. */
#ifndef ROLES_INTAKE_SENDERS_H
#define ROLES_INTAKE_SENDERS_H

#include "mail/mailbox_list.h"

struct intake_sender {
    char *local;  /* NULL: every address of the domain */
    char *domain; /* A-label form, lower case */
};

struct intake_senders {
    struct intake_sender *item;
    size_t count;
};

/* Reads the list as keyd gives it: blob16 strings, "a@b.example" or "@b.example". False when it is malformed; *ret_senders
 * is then empty. Free with intake_senders_free(). */
bool intake_senders_read(struct slice list, struct intake_senders *ret_senders);

/* Releases everything; NULL is accepted. */
void intake_senders_free(struct intake_senders *senders);

/* True when the address is one of them. Domains are compared in A-label form, local parts without the case of ASCII
 * letters: nobody gives two people addresses that differ in nothing else, and mail programs change the case. */
bool intake_senders_allow(const struct intake_senders *senders, const struct mail_address *address);

/* True when all addresses of the list are among them. */
bool intake_senders_allow_all(const struct intake_senders *senders, const struct mail_mailbox_list *list);

#endif
