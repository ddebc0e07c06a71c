/* SPDX-License-Identifier: Apache-2.0 */
/* A resolver of the command's own: the same program, started and joined as the supervisor does it, under the same
 * configuration. So `sealpost explain` looks names up as the couriers do, whether or not sealpostd runs. */
#ifndef CLI_EXPLAIN_RESOLVER_H
#define CLI_EXPLAIN_RESOLVER_H

#include "os/chan.h"
#include "os/conf.h"

struct explain_resolver;

/* Starts it and waits until it is ready. conf_path names the configuration that conf was read from. As root the process
 * takes the user id of the role; as anybody else it stays who we are. It ends with this process. NULL with the reason. */
struct explain_resolver *explain_resolver_start(struct loop *loop, const struct conf *conf, const char *conf_path,
                                                struct err *err);

/* Where MSG_DOSSIER is asked; NULL once the resolver has ended. Owned by resolver. */
struct chan *explain_resolver_chan(struct explain_resolver *resolver);

/* Tells it to leave and waits until it has, for a moment. */
void explain_resolver_end(struct explain_resolver *resolver);

/* Lets go of it; it then ends by itself. *resolver becomes NULL; NULL is accepted. */
void explain_resolver_free(struct explain_resolver **resolver);

#endif
