/* SPDX-License-Identifier: Apache-2.0 */
/* What a domain has shown before, asked of sealpostd where it runs and may be asked. Asked before any stranger's byte is
 * read, and the control sockets are closed again: whoever talks to strangers must not hold them. */
#ifndef CLI_EXPLAIN_MEMORY_H
#define CLI_EXPLAIN_MEMORY_H

#include "cli/cli.h"
#include "cli/explain.h"

/* True when sealpostd can be asked by this user. Prints nothing. */
bool explain_memory_there(const struct cli *cli);

/* Asks about a domain (A-labels, lower case). What ret_known->policy points to is the caller's, freed with mem_free(). False,
 * with the reason printed, when sealpostd does not answer. */
bool explain_memory_ask(struct cli *cli, const char *domain, struct explain_known *ret_known);

/* Closes the control sockets. */
void explain_memory_close(struct cli *cli);

#endif
