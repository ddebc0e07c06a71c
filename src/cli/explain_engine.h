/* SPDX-License-Identifier: Apache-2.0 */
/* What looks at domains: a resolver of its own, probes, and the order of questions for each domain. Made with the rights of
 * whoever starts the command; everything a stranger can answer is read only after explain_engine_drop().
 *
 * The story of one domain. It begins in DOSSIER: the resolver is asked. PROBE: every address is looked at under the demanded
 * profile, then judged. OTHERS: where that handshake cannot tell, it is looked at again under the other profiles, one after
 * another. Then it is OVER and told. */
#ifndef CLI_EXPLAIN_ENGINE_H
#define CLI_EXPLAIN_ENGINE_H

#include "cli/explain.h"

#define EXPLAIN_PATIENCE_US INT64_C(30000000) /* for one reply: a courier may wait for minutes, people do not */

struct explain_engine;

typedef void explain_done_fn(void *ctx, struct explain *explain);

/* Reads anchors and starts the resolver. others: look under every profile this machine has, not only the demanded one. fresh:
 * ask for everything anew each time. conf must outlive it. NULL with the reason. */
struct explain_engine *explain_engine_create(struct loop *loop, const struct conf *conf, const char *conf_path, bool others,
                                             bool fresh, struct err *err);

/* Frees all, and what is under way. *engine becomes NULL; NULL is accepted. */
void explain_engine_free(struct explain_engine **engine);

/* Gives up every right that is not needed: as root the user id too (a courier's), new privileges, files, system calls. Cannot
 * be undone; only from here on domains may be started. False with the reason. */
bool explain_engine_drop(struct explain_engine *engine, struct err *err);

/* Starts with a domain on which explain_init() and explain_demand() have been called. done() is called from the loop once
 * it is judged. explain is the caller's and must stay in place until then. */
void explain_engine_start(struct explain_engine *engine, struct explain *explain, explain_done_fn *done, void *ctx);

/* Forgets what was seen, so that the next domain is looked at anew. Only when nothing is under way. */
void explain_engine_forget(struct explain_engine *engine);

/* Runs the loop until every server has been told goodbye and the resolver has left. The last call before the end. */
void explain_engine_rest(struct explain_engine *engine);

/* False when the resolver has ended: answers are none from then on. */
bool explain_engine_is_well(const struct explain_engine *engine);

/* Connections made so far. */
size_t explain_engine_connections(const struct explain_engine *engine);

#endif
