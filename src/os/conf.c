/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing of the configuration: libconfuse reads the syntax, the schema table decides what the values mean. Errors
 * carry file and line; libconfuse's error callback has no context of its own, so the text waits in the comment of
 * the section it belongs to. */
#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "os/conf_demand.h"
#include "os/conf_schema.h"

#define SECTION_MAX 16u

/* What libconfuse is told: one option array per section, built from the schema. */
struct tree {
    const char *section[SECTION_MAX];
    cfg_opt_t *opts[SECTION_MAX]; /* [0]: the top */
    size_t count;
};

static const struct conf_key *find_key(const char *section, const char *name)
{
    size_t count;
    const struct conf_key *schema = conf_schema(&count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(schema[i].section, section) == 0 && strcmp(schema[i].name, name) == 0) {
            return &schema[i];
        }
    }
    return NULL;
}

static const char *section_name(const cfg_t *cfg)
{
    return strcmp(cfg->name, "root") == 0 ? "" : cfg->name;
}

/* libconfuse calls this for each value as it is read, so that the line is right. */
static int validate(cfg_t *cfg, cfg_opt_t *opt)
{
    const struct conf_key *key = find_key(section_name(cfg), opt->name);
    unsigned last = cfg_opt_size(opt);
    int64_t value;
    struct err err = {{0}};

    if (key == NULL || last == 0 || opt->type != CFGT_STR) {
        return 0;
    }
    if (last > CONF_LIST_MAX) {
        cfg_error(cfg, "'%s' has more than %u items", key->name, CONF_LIST_MAX);
        return -1;
    }
    if (!conf_value_read(key, cfg_opt_getnstr(opt, last - 1), &value, &err)) {
        cfg_error(cfg, "%s", err.text);
        return -1;
    }
    return 0;
}

/* Keeps the first error text of a section in its comment, with the line in front. An unknown name is told with its
 * nearest neighbour. */
static __attribute__((format(printf, 2, 0))) void on_error(cfg_t *cfg, const char *format, va_list args)
{
    char text[400];
    char line[512];
    const char *near;

    if (cfg->comment != NULL) {
        return;
    }
    (void)vsnprintf(text, sizeof(text), format, args);
    if (strncmp(text, "no such option '", 16) == 0) {
        char name[64] = {0};
        size_t len = strcspn(text + 16, "'");
        memcpy(name, text + 16, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
        near = conf_nearest(section_name(cfg), name);
        (void)snprintf(text, sizeof(text), "unknown key '%s'%s%s%s%s", name, *section_name(cfg) ? " in section " : "",
                       section_name(cfg), near ? "; did you mean " : "; see sealpost.conf(5)", near ? near : "");
    }
    (void)snprintf(line, sizeof(line), "%d: %s", cfg->line, text);
    cfg->comment = strdup(line);
}

/* The text kept by on_error() in this section or below it. */
static const char *first_error(cfg_t *cfg)
{
    if (cfg->comment != NULL) {
        return cfg->comment;
    }
    for (cfg_opt_t *opt = cfg->opts; opt->name != NULL; opt++) {
        for (unsigned i = 0; opt->type == CFGT_SEC && i < cfg_opt_size(opt); i++) {
            const char *text = first_error(cfg_opt_getnsec(opt, i));
            if (text != NULL) {
                return text;
            }
        }
    }
    return NULL;
}

static bool is_list(enum conf_kind kind)
{
    return kind == CONF_LISTEN || kind == CONF_SERVERS || kind == CONF_SOURCES || kind == CONF_PATHS || kind == CONF_DURATIONS ||
           kind == CONF_PINS;
}

static void tree_free(struct tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        mem_free(tree->opts[i]);
    }
}

static char *path_of(const char *base, const char *path)
{
    size_t size = strlen(base) + strlen(path) + 2;
    char *full;

    if (path[0] == '/') {
        return mem_strdup(path);
    }
    full = mem_new(size);
    (void)snprintf(full, size, "%s/%s", base, path);
    return full;
}

static void list_add(struct conf_list *list, char *item)
{
    list->item = mem_resize_array(list->item, list->count + 1, sizeof(char *));
    list->item[list->count++] = item;
}

/* Puts one text value where the key says. The text was validated before. */
static void store_value(const struct conf_key *key, void *object, const char *base, const char *text)
{
    char *at = (char *)object + key->offset;
    int64_t number = 0;

    (void)conf_value_read(key, text, &number, NULL);
    switch (key->kind) {
    case CONF_STRING: *(char **)(void *)at = mem_strdup(text); break;
    case CONF_PATH: *(char **)(void *)at = path_of(base, text); break;
    case CONF_BOOL: *(bool *)(void *)at = strcmp(text, "true") == 0; break;
    case CONF_MODE: *(bool *)(void *)at = number != 0; break;
    case CONF_COUNT:
    case CONF_CHOICE:
    case CONF_SIZE: *(uint64_t *)(void *)at = (uint64_t)number; break;
    case CONF_DATE:
    case CONF_DURATION: *(int64_t *)(void *)at = number; break;
    case CONF_LISTEN:
    case CONF_SERVERS:
    case CONF_PINS:
    case CONF_SOURCES: list_add((struct conf_list *)(void *)at, mem_strdup(text)); break;
    case CONF_PATHS: list_add((struct conf_list *)(void *)at, path_of(base, text)); break;
    case CONF_DURATIONS: {
        size_t *count = (size_t *)(void *)((char *)object + key->count_offset);
        ((int64_t *)(void *)at)[(*count)++] = number;
        break;
    }
    }
}

static void store_fallback(const struct conf_key *key, void *object, const char *base)
{
    const char *text = key->fallback;

    if (text == NULL) {
        return;
    }
    if (!is_list(key->kind)) {
        store_value(key, object, base, text);
        return;
    }
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        char *item = mem_strndup(text, len);
        store_value(key, object, base, item);
        mem_free(item);
        text += len + strspn(text + len, " ");
    }
}

static void store_section(const char *section, cfg_t *cfg, void *object, const char *base)
{
    size_t count;
    const struct conf_key *schema = conf_schema(&count);

    for (size_t i = 0; i < count; i++) {
        cfg_opt_t *opt;
        if (strcmp(schema[i].section, section) != 0) {
            continue;
        }
        opt = cfg == NULL ? NULL : cfg_getopt(cfg, schema[i].name);
        if (opt == NULL || cfg_opt_size(opt) == 0 || (opt->type == CFGT_STR && cfg_opt_getnstr(opt, 0) == NULL)) {
            store_fallback(&schema[i], object, base);
        } else if (opt->type == CFGT_BOOL) {
            store_value(&schema[i], object, base, cfg_opt_getnbool(opt, 0) ? "true" : "false");
        } else {
            for (unsigned n = 0; n < cfg_opt_size(opt); n++) {
                store_value(&schema[i], object, base, cfg_opt_getnstr(opt, n));
            }
        }
    }
}

/* The objects of a section, one call each until NULL. */
static void *object_at(struct conf *conf, const char *section, size_t i)
{
    if (strcmp(section, "submission") == 0) {
        return i < conf->submission_count ? &conf->submission[i] : NULL;
    }
    if (strcmp(section, "domain") == 0) {
        return i < conf->domain.count ? &conf->domain.item[i] : NULL;
    }
    if (strcmp(section, "tenant") == 0) {
        return i < conf->tenant.count ? &conf->tenant.item[i] : NULL;
    }
    return i == 0 ? conf : NULL;
}

/* Makes room for n objects of a section that may stand n times. */
static bool objects_make(struct conf *conf, const char *section, size_t n, struct err *err)
{
    bool submission = strcmp(section, "submission") == 0;
    size_t most = submission ? CONF_SUBMISSION_MAX : CONF_DEMANDS_MAX;
    bool domain = strcmp(section, "domain") == 0;

    if (n > most) {
        return err_set(err, "more than %zu %s sections", most, section);
    }
    if (submission) {
        conf->submission_count = n;
    } else if (n > 0) {
        *(domain ? &conf->domain : &conf->tenant) = (struct conf_demands){mem_new_array(n, sizeof(struct conf_demand)), n};
    }
    return true;
}

static bool demand_check(const char *section, struct conf_demand *demand, struct err *err)
{
    return strcmp(section, "domain") == 0 ? conf_demand_domain_check(demand, err) : conf_demand_tenant_check(demand, err);
}

static void free_section(const char *section, void *object);

/* Looks at a titled section as soon as it was read, so that the line is right. */
static int validate_titled(cfg_t *cfg, cfg_opt_t *opt)
{
    cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
    struct conf_demand demand = {.name = mem_strdup(cfg_title(section))};
    struct err err = {{0}};
    bool ok;

    store_section(opt->name, section, &demand, "");
    ok = demand_check(opt->name, &demand, &err);
    free_section(opt->name, &demand);
    mem_free(demand.name);
    if (!ok) {
        cfg_error(cfg, "%s \"%s\": %s", opt->name, cfg_title(section), err.text);
    }
    return ok ? 0 : -1;
}

static size_t tree_section(struct tree *tree, const char *section, size_t keys)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (strcmp(tree->section[i], section) == 0) {
            return i;
        }
    }
    tree->section[tree->count] = section;
    tree->opts[tree->count] = mem_new_array(keys + SECTION_MAX + 1, sizeof(cfg_opt_t));
    return tree->count++;
}

static void tree_add(cfg_opt_t *opts, cfg_opt_t opt)
{
    cfg_opt_t end = CFG_END();

    while (opts->name != NULL) {
        opts++;
    }
    opts[0] = opt;
    opts[1] = end;
}

/* Sections that may stand several times: the flags for libconfuse; CFGF_NONE for the others. */
static cfg_flag_t repeated(const char *section)
{
    if (strcmp(section, "domain") == 0 || strcmp(section, "tenant") == 0) {
        return CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES;
    }
    return strcmp(section, "submission") == 0 ? CFGF_MULTI : CFGF_NONE;
}

static void tree_build(struct tree *tree)
{
    size_t count;
    const struct conf_key *schema = conf_schema(&count);

    (void)tree_section(tree, "", count);
    for (size_t i = 0; i < count; i++) {
        size_t at = tree_section(tree, schema[i].section, count);
        cfg_opt_t list = CFG_STR_LIST(schema[i].name, NULL, CFGF_NODEFAULT);
        cfg_opt_t yes_no = CFG_BOOL(schema[i].name, cfg_false, CFGF_NODEFAULT);
        cfg_opt_t text = CFG_STR(schema[i].name, NULL, CFGF_NODEFAULT);
        cfg_opt_t opt = is_list(schema[i].kind) ? list : schema[i].kind == CONF_BOOL ? yes_no : text;
        opt.validcb = validate;
        tree_add(tree->opts[at], opt);
    }
    for (size_t i = 1; i < tree->count; i++) {
        cfg_opt_t opt = CFG_SEC(tree->section[i], tree->opts[i], repeated(tree->section[i]));
        opt.validcb = opt.flags & CFGF_TITLE ? validate_titled : NULL;
        tree_add(tree->opts[0], opt);
    }
}

static bool store_all(const struct tree *tree, cfg_t *cfg, const char *base, struct conf *conf, struct err *err)
{
    for (size_t i = 0; i < tree->count; i++) {
        const char *section = tree->section[i];
        unsigned n = i == 0 ? 1 : cfg_size(cfg, section);
        if (repeated(section) == CFGF_NONE) {
            store_section(section, i == 0 ? cfg : n == 0 ? NULL : cfg_getnsec(cfg, section, 0), conf, base);
            continue;
        }
        if (!objects_make(conf, section, n, err)) {
            return false;
        }
        for (unsigned k = 0; k < n; k++) {
            cfg_t *one = cfg_getnsec(cfg, section, k);
            void *object = object_at(conf, section, k);
            store_section(section, one, object, base);
            if (repeated(section) & CFGF_TITLE) {
                ((struct conf_demand *)object)->name = mem_strdup(cfg_title(one));
                (void)demand_check(section, object, NULL);
            }
        }
    }
    return conf_demand_arrange(conf, err);
}

static bool need(const char *value, const char *key, const char *why, struct err *err)
{
    return (value != NULL && *value != '\0') || err_set(err, "'%s' is missing: %s", key, why);
}

static void default_to(char **value, const char *text)
{
    if (*value == NULL) {
        *value = mem_strdup(text);
    }
}

/* What no single value shows. */
static bool check_whole(struct conf *conf, struct err *err)
{
    for (size_t i = 0; i < conf->submission_count; i++) {
        const struct conf_submission *s = &conf->submission[i];
        if (s->listen.count == 0 || s->listen.count > CONF_LISTEN_MAX) {
            return err_set(err, "submission: 'listen' must name 1 to %u addresses", CONF_LISTEN_MAX);
        }
        if (!need(s->certificate, "submission.certificate", "clients must be shown a certificate", err) ||
            !need(s->key, "submission.key", "it is the certificate's private key", err)) {
            return false;
        }
    }
    if (conf->center_listen.count > CONF_LISTEN_MAX || conf->courier_source.count > 2) {
        return err_set(err, "center.listen takes %u addresses, courier.source two at most", CONF_LISTEN_MAX);
    }
    if (!need(conf->hostname, "hostname", "the name of this relay", err) ||
        !need(conf->notice_from, "notice.from", "recipients must see who writes to them", err) ||
        !need(conf->center_base_url, "center.base-url", "links in notices start with it", err) ||
        !need(conf->center_certificate, "center.certificate", "the Message Center is HTTPS only", err) ||
        !need(conf->center_key, "center.key", "the Message Center is HTTPS only", err)) {
        return false;
    }
    if (conf->keys_escrow.count == 0 || conf->center_listen.count == 0) {
        return err_set(err, conf->keys_escrow.count == 0 ? "'keys.escrow' names no key: `sealpost init` makes one"
                                                         : "'center.listen' names no address");
    }
    if (strncmp(conf->center_base_url, "https://", 8) != 0 || conf->center_base_url[strlen(conf->center_base_url) - 1] == '/') {
        return err_set(err, "'center.base-url' must start with https:// and must not end with a slash");
    }
    default_to(&conf->courier_helo, conf->hostname);
    default_to(&conf->notice_helo, conf->hostname);
    default_to(&conf->postmaster, conf->notice_from);
    return true;
}

bool conf_parse(const char *text, const char *name, const char *base, struct conf **ret_conf, struct err *err)
{
    struct tree tree = {.count = 0};
    struct conf *conf = mem_new(sizeof(*conf));
    cfg_t *cfg;
    bool ok;

    tree_build(&tree);
    cfg = cfg_init(tree.opts[0], CFGF_NONE);
    (void)cfg_set_error_function(cfg, on_error);
    ok = cfg_parse_buf(cfg, text) == CFG_SUCCESS;
    if (!ok) {
        const char *line = first_error(cfg);
        (void)err_set(err, "%s:%s", name, line == NULL ? " cannot be read as a configuration" : line);
    } else {
        ok = (store_all(&tree, cfg, base, conf, err) && check_whole(conf, err)) || err_prefix(err, "%s: ", name);
    }
    (void)cfg_free(cfg);
    tree_free(&tree);
    if (!ok) {
        conf_free(&conf);
        return false;
    }
    *ret_conf = conf;
    return true;
}

static void free_value(const struct conf_key *key, void *object)
{
    char *at = (char *)object + key->offset;

    if (key->kind == CONF_STRING || key->kind == CONF_PATH) {
        mem_free(*(char **)(void *)at);
    } else if (is_list(key->kind) && key->kind != CONF_DURATIONS) {
        struct conf_list *list = (struct conf_list *)(void *)at;
        for (size_t i = 0; i < list->count; i++) {
            mem_free(list->item[i]);
        }
        mem_free(list->item);
    }
}

static void free_section(const char *section, void *object)
{
    size_t count;
    const struct conf_key *schema = conf_schema(&count);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(schema[i].section, section) == 0) {
            free_value(&schema[i], object);
        }
    }
}

/* The names; the values are freed by the schema. */
static void free_demands(struct conf_demands *demands)
{
    for (size_t i = 0; i < demands->count; i++) {
        mem_free(demands->item[i].name);
    }
    mem_free(demands->item);
}

void conf_free(struct conf **conf)
{
    size_t count;
    const struct conf_key *schema = conf_schema(&count);

    if (conf == NULL || *conf == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        void *object;
        for (size_t k = 0; (object = object_at(*conf, schema[i].section, k)) != NULL; k++) {
            free_value(&schema[i], object);
        }
    }
    free_demands(&(*conf)->domain);
    free_demands(&(*conf)->tenant);
    mem_free(*conf);
    *conf = NULL;
}
