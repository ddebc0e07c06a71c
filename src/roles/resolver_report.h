/* SPDX-License-Identifier: Apache-2.0 */
/* What couriers ask of the resolver for reports about TLS: a TXT record, and a POST to an https address. */
#ifndef ROLES_RESOLVER_REPORT_H
#define ROLES_RESOLVER_REPORT_H

#include "base/list.h"
#include "net/dns.h"
#include "net/sts_fetch.h"
#include "os/chan.h"

/* MSG_TXT: asks dns and answers on chan. It joins list until it is answered. False when the payload is malformed. */
bool resolver_report_txt(struct dns *dns, struct list *list, struct chan *chan, uint64_t request, struct slice payload);

/* MSG_POST, as resolver_report_txt(). */
bool resolver_report_post(struct sts_fetcher *fetcher, struct list *list, struct chan *chan, uint64_t request,
                          struct slice payload);

/* Nobody waits on chan any more; what is under way ends unheard. */
void resolver_report_leave(struct list *list, const struct chan *chan);

/* Frees all, when what gives answers is gone. */
void resolver_report_free(struct list *list);

#endif
