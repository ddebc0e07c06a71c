/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody must know before mail is held for it: domains that fall, policies that vanish, certificates of big
 * destinations that end, a resolver that fails. Counts and times by domain tag, in memory only; says when an alarm is due
 * and that it was told. Names nobody: an alarm carries the id of a message whose trace does. */
#ifndef ROLES_COURIER_WATCH_H
#define ROLES_COURIER_WATCH_H

#include "base/clock.h"
#include "base/id.h"

#define COURIER_WATCH_MAX 65536u           /* domains; when they are more, all are forgotten and alarms may come twice */
#define COURIER_WATCH_BIG 100u             /* deliveries a day, by one courier, that make a destination big */
#define COURIER_WATCH_END_US (14 * CLOCK_US_PER_DAY) /* a certificate that ends within is told: two weeks to mend it */
#define COURIER_WATCH_GONE_US (3600 * CLOCK_US_PER_S) /* a policy that cannot be fetched for so long is no passing trouble */
#define COURIER_WATCH_AGAIN_US CLOCK_US_PER_DAY /* the same is told once a day */
#define COURIER_WATCH_ASKS 20u             /* answers of the resolver that are counted together, */
#define COURIER_WATCH_FAILED 10u           /* and how many of them, failed, are an alarm: half, */
#define COURIER_WATCH_DOMAINS 3u           /* of at least so many domains: one may have a broken name server of its own */

struct courier_watch;

/* Watches nothing yet. */
struct courier_watch *courier_watch_create(void);

/* Forgets all. *watch becomes NULL; NULL is accepted. */
void courier_watch_free(struct courier_watch **watch);

/* Mail was delivered to a domain by a proof that ends at until_us. True when it has become, or is, a big destination and the
 * longest-lived proof it has shown today ends soon. All times UTC microseconds. */
bool courier_watch_delivered(struct courier_watch *watch, const struct tag *domain, int64_t until_us, int64_t now_us);

/* A domain has fallen below what it has shown. True once a day. */
bool courier_watch_fell(struct courier_watch *watch, const struct tag *domain, int64_t now_us);

/* The resolver answered about a domain. kept: only the kept policy is in force, the look for it failed. True when that has
 * been so for COURIER_WATCH_GONE_US, once a day. */
bool courier_watch_policy(struct courier_watch *watch, const struct tag *domain, bool kept, int64_t now_us);

/* The resolver answered about a domain, or failed to. True when it fails much, once an hour. */
bool courier_watch_resolver(struct courier_watch *watch, const struct tag *domain, bool failed, int64_t now_us);

#endif
