/* SPDX-License-Identifier: Apache-2.0 */
/* Pins that have ended protect nothing any more: an alarm when it happens, and anew after a start or a reload. */
#include "base/clock.h"
#include "os/conf_demand.h"
#include "roles/store.h"

static void told(void *ctx, const struct conf_demand *demand)
{
    store_alarm(ctx, "the pins of %s have ended (pins-until): its keys are not compared any more; renew the pins or remove them",
                demand->name);
}

void store_demand_look(struct store *store, bool anew)
{
    int64_t now_us = clock_utc_us();
    conf_demand_ended(role_conf(store->role), anew ? 0 : store->demand_us, now_us, told, store);
    store->demand_us = now_us;
}
