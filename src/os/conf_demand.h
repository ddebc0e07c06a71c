/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration demands of single domains and tenants: the sections `domain "NAME"` and `tenant "NAME"`.
 * Levels are the numbers of enum trust_level (trust/trust_facts.h), kept as numbers because this room knows no trust. */
#ifndef OS_CONF_DEMAND_H
#define OS_CONF_DEMAND_H

#include "base/slice.h"
#include "os/conf.h"

/* One demand, looked up. Borrowed from the configuration. */
struct conf_demanded {
    uint64_t minimum;             /* 0: nothing beyond trust.minimum; 1..4 as enum trust_level */
    const struct conf_list *pins; /* "sha256:..." (leaf key) and "ca-sha256:..." (any key of the path); NULL: none in force */
    int64_t pins_until;           /* microseconds UTC, exclusive: past that the pins have no effect; 0 without pins */
};

/* What is demanded of a domain (A-labels, lower case, no dot at its end) at now_us. `domain "example.org"` is the domain
 * itself, `domain ".example.org"` every name below it. The minimum is the highest of all sections that cover the
 * domain; the pins are those of the closest section that has any which have not ended. */
struct conf_demanded conf_demand_domain(const struct conf *conf, struct slice domain, int64_t now_us);

/* The minimum of a tenant, 1..4; 0: none. */
uint64_t conf_demand_tenant(const struct conf *conf, struct slice tenant);

/* Calls told() for each domain section whose pins have ended after since_us and by now_us: these protect nothing any more,
 * and somebody must know. */
void conf_demand_ended(const struct conf *conf, int64_t since_us, int64_t now_us,
                       void (*told)(void *ctx, const struct conf_demand *demand), void *ctx);

/* Checks a section as it was written and brings its title into the one form that is looked up: A-labels in lower case,
 * a dot in front kept. False with the reason. */
bool conf_demand_domain_check(struct conf_demand *demand, struct err *err);

/* As above for a tenant's section: the title is a tenant's name, the minimum is set. */
bool conf_demand_tenant_check(struct conf_demand *demand, struct err *err);

/* Sorts the sections for the look-ups. False when two have the same title. */
bool conf_demand_arrange(struct conf *conf, struct err *err);

/* Whether text has the shape of a pin: "sha256:" or "ca-sha256:" and the base64 of 32 bytes. */
bool conf_demand_pin_ok(const char *text);

#endif
