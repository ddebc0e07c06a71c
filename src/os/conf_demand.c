/* SPDX-License-Identifier: Apache-2.0 */
/* Demands on domains and tenants: checked when the configuration is read, sorted once, found by bisection. */
#include "os/conf_demand.h"

#include <idn2.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/mem.h"

#define NAME_MAX_BYTES 253u   /* of a domain in A-labels */
#define LABEL_MAX_BYTES 63u
#define TENANT_MAX_BYTES 64u  /* as keys/key_name.h */
#define PINS_MIN 2u           /* one in use and a spare: a lost key must not cut a domain off */
#define PIN_BYTES 32u         /* SHA-256 */

static bool label_ok(struct slice label)
{
    for (size_t i = 0; i < label.len; i++) {
        uint8_t c = label.data[i];
        bool let_dig = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!let_dig && (c != '-' || i == 0 || i + 1 == label.len)) {
            return false;
        }
    }
    return label.len > 0 && label.len <= LABEL_MAX_BYTES;
}

static bool name_ok(struct slice name)
{
    size_t at = 0;

    if (name.len == 0 || name.len > NAME_MAX_BYTES) {
        return false;
    }
    while (at <= name.len) {
        size_t dot = slice_find(name, at, '.');
        if (!label_ok(slice_sub(name, at, dot - at))) {
            return false;
        }
        at = dot + 1;
    }
    return true;
}

/* A-labels in lower case; NULL when it is no domain name. The caller frees. */
static char *normal_name(const char *name)
{
    char *out = mem_strdup(name);
    bool ascii = true;
    uint8_t *lookup = NULL;

    for (char *c = out; *c != '\0'; c++) {
        ascii = ascii && (unsigned char)*c < 0x80;
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    }
    if (!ascii) {
        int status = idn2_lookup_u8((const uint8_t *)name, &lookup,
                                    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES);
        mem_free(out);
        out = status == IDN2_OK ? mem_strdup((const char *)lookup) : NULL;
        idn2_free(lookup);
    }
    if (out != NULL && !name_ok(slice_str(out))) {
        mem_free(out);
        out = NULL;
    }
    return out;
}

bool conf_demand_pin_ok(const char *text)
{
    struct slice s = slice_str(text);
    struct buf digest;
    bool ok;

    if (!slice_starts(s, SLICE_LIT("sha256:")) && !slice_starts(s, SLICE_LIT("ca-sha256:"))) {
        return false;
    }
    buf_init(&digest, PIN_BYTES + 1);
    ok = codec_unbase64(&digest, slice_sub(s, slice_find(s, 0, ':') + 1, s.len)) && digest.len == PIN_BYTES;
    buf_free(&digest);
    return ok;
}

static bool pins_check(const struct conf_demand *demand, struct err *err)
{
    if (demand->pins.count == 0) {
        return demand->pins_until == 0 || err_set(err, "'pins-until' stands without 'pins'");
    }
    for (size_t i = 0; i < demand->pins.count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(demand->pins.item[i], demand->pins.item[k]) == 0) {
                return err_set(err, "the pin '%s' stands twice", demand->pins.item[i]);
            }
        }
    }
    if (demand->pins.count > CONF_PINS_MAX) {
        return err_set(err, "more than %u pins", CONF_PINS_MAX);
    }
    if (demand->pins.count < PINS_MIN) {
        return err_set(err, "'pins' names one key: add a spare, the key you would use if this one were lost");
    }
    return demand->pins_until != 0 || err_set(err, "'pins-until' is missing: say on which day the pins end");
}

bool conf_demand_domain_check(struct conf_demand *demand, struct err *err)
{
    bool below = demand->name[0] == '.';
    char *name = normal_name(demand->name + (below ? 1 : 0));
    size_t len;

    if (name == NULL) {
        return err_set(err, "the title is not a domain name");
    }
    len = strlen(name) + 1;
    mem_free(demand->name);
    demand->name = mem_new(len + 1);
    demand->name[0] = '.';
    memcpy(demand->name + (below ? 1 : 0), name, len);
    mem_free(name);
    if (demand->minimum == 0 && demand->pins.count == 0 && demand->pins_until == 0) {
        return err_set(err, "the section demands nothing: give it a 'minimum' or 'pins'");
    }
    return pins_check(demand, err);
}

bool conf_demand_tenant_check(struct conf_demand *demand, struct err *err)
{
    size_t len = strspn(demand->name, "abcdefghijklmnopqrstuvwxyz0123456789-");

    if (len == 0 || len > TENANT_MAX_BYTES || demand->name[len] != '\0') {
        return err_set(err, "the title is not a tenant: 1 to %u lower-case letters, digits or -", TENANT_MAX_BYTES);
    }
    return demand->minimum != 0 || err_set(err, "the section demands nothing: give it a 'minimum'");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct conf_demand *)a)->name, ((const struct conf_demand *)b)->name);
}

static bool arrange(const struct conf_demands *demands, const char *section, struct err *err)
{
    if (demands->count > 0) {
        qsort(demands->item, demands->count, sizeof(*demands->item), by_name);
    }
    for (size_t i = 1; i < demands->count; i++) {
        if (strcmp(demands->item[i - 1].name, demands->item[i].name) == 0) {
            return err_set(err, "two sections say %s \"%s\": make one of them", section, demands->item[i].name);
        }
    }
    return true;
}

bool conf_demand_arrange(struct conf *conf, struct err *err)
{
    return arrange(&conf->domain, "domain", err) && arrange(&conf->tenant, "tenant", err);
}

static int by_title(const void *key, const void *demand)
{
    const struct slice *want = key;
    const char *name = ((const struct conf_demand *)demand)->name;
    int order = strncmp((const char *)want->data, name, want->len);

    return order != 0 ? order : name[want->len] == '\0' ? 0 : -1;
}

static const struct conf_demand *find(const struct conf_demands *demands, struct slice name)
{
    bool sane = demands->count > 0 && name.len > 0 && slice_find(name, 0, '\0') == name.len;

    return sane ? bsearch(&name, demands->item, demands->count, sizeof(*demands->item), by_title) : NULL;
}

static void take(struct conf_demanded *out, const struct conf_demand *demand, int64_t now_us)
{
    if (demand == NULL) {
        return;
    }
    if (demand->minimum > out->minimum) {
        out->minimum = demand->minimum;
    }
    if (out->pins == NULL && demand->pins.count > 0 && now_us < demand->pins_until) {
        out->pins = &demand->pins;
        out->pins_until = demand->pins_until;
    }
}

struct conf_demanded conf_demand_domain(const struct conf *conf, struct slice domain, int64_t now_us)
{
    struct conf_demanded out = {0};

    take(&out, find(&conf->domain, domain), now_us);
    for (size_t dot = slice_find(domain, 0, '.'); dot < domain.len; dot = slice_find(domain, dot + 1, '.')) {
        take(&out, find(&conf->domain, slice_sub(domain, dot, domain.len)), now_us);
    }
    return out;
}

uint64_t conf_demand_tenant(const struct conf *conf, struct slice tenant)
{
    const struct conf_demand *demand = find(&conf->tenant, tenant);

    return demand == NULL ? 0 : demand->minimum;
}

void conf_demand_ended(const struct conf *conf, int64_t since_us, int64_t now_us,
                       void (*told)(void *ctx, const struct conf_demand *demand), void *ctx)
{
    for (size_t i = 0; i < conf->domain.count; i++) {
        const struct conf_demand *demand = &conf->domain.item[i];
        if (demand->pins.count > 0 && demand->pins_until > since_us && demand->pins_until <= now_us) {
            told(ctx, demand);
        }
    }
}
