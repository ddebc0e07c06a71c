/* SPDX-License-Identifier: Apache-2.0 */
/* Reads lists of domains. */
#include "cli/explain_list.h"

#include "base/map.h"
#include "base/mem.h"
#include "mail/address.h"

/* The first column of a line: up to a comma, semicolon or tab outside of quotes; quotes around it are taken off. */
static struct slice first_column(struct slice line)
{
    bool quoted = line.len > 0 && line.data[0] == '"';
    size_t end = quoted ? slice_find(line, 1, '"') : 0;

    if (quoted) {
        return slice_trim(slice_sub(line, 1, end - 1));
    }
    while (end < line.len && line.data[end] != ',' && line.data[end] != ';' && line.data[end] != '\t') {
        end++;
    }
    return slice_trim(slice_sub(line, 0, end));
}

static bool is_title(struct slice column)
{
    static const char *const titles[] = {"domain", "domains", "email", "e-mail", "mail", "address", "recipient", "host"};

    for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++) {
        if (slice_ieq(column, slice_str(titles[i]))) {
            return true;
        }
    }
    return false;
}

/* A domain, or the domain of an address. */
static bool domain_of(struct slice column, struct mail_domain *ret, struct err *err)
{
    struct mail_address address;

    if (slice_find(column, 0, '@') == column.len) {
        if (column.len > 1 && column.data[column.len - 1] == '.') {
            column.len--;
        }
        return mail_domain_parse(column, MAIL_SMTPUTF8, ret, err);
    }
    if (!mail_address_parse(column, MAIL_SMTPUTF8, &address, err)) {
        return false;
    }
    *ret = address.domain;
    return true;
}

/* The key of a domain in a map: names are longer than keys may be, so it is their hash under a key of this run. */
struct seen {
    struct map *map;
    uint8_t key[2][16];
};

static bool add(struct explain_list *list, struct seen *seen, const struct mail_domain *domain, size_t line)
{
    uint64_t key[2] = {map_siphash(seen->key[0], slice_str(domain->ascii)), map_siphash(seen->key[1], slice_str(domain->ascii))};

    if (map_get(seen->map, key) != NULL) {
        list->twice++;
        return true;
    }
    if (list->count == EXPLAIN_LIST_MAX || !map_put(seen->map, key, seen)) {
        return false;
    }
    if ((list->count & (list->count - 1)) == 0) {
        size_t room = list->count == 0 ? 1 : 2 * list->count;
        list->domain = mem_resize_array(list->domain, room, sizeof(*list->domain));
        list->line = mem_resize_array(list->line, room, sizeof(*list->line));
    }
    list->line[list->count] = line;
    list->domain[list->count++] = *domain;
    return true;
}

bool explain_list_read(struct explain_list *list, struct slice text, void (*told)(void *ctx, size_t line, const char *reason),
                       void *ctx, struct err *err)
{
    struct seen seen = {.map = map_create(2 * sizeof(uint64_t), EXPLAIN_LIST_MAX)};
    bool room = true;
    size_t number = 0;

    memset(list, 0, sizeof(*list));
    mem_random(seen.key, sizeof(seen.key));
    text = slice_starts(text, SLICE_LIT("\xef\xbb\xbf")) ? slice_sub(text, 3, text.len) : text;
    for (size_t at = 0; room && at < text.len;) {
        size_t end = slice_find(text, at, '\n');
        struct slice line = slice_sub(text, at, end - at);
        struct slice column;
        struct mail_domain domain;
        struct err reason = {{0}};
        at = end + 1;
        number++;
        line.len -= line.len > 0 && line.data[line.len - 1] == '\r' ? 1 : 0;
        column = first_column(slice_trim(line));
        if (column.len == 0 || column.data[0] == '#' || (list->count == 0 && list->bad == 0 && is_title(column))) {
            continue;
        }
        if (!domain_of(column, &domain, &reason)) {
            list->bad++;
            told(ctx, number, reason.text);
        } else {
            room = add(list, &seen, &domain, number);
        }
    }
    map_free(&seen.map);
    return room || err_set(err, "line %zu: more than %u domains", number, EXPLAIN_LIST_MAX);
}

void explain_list_free(struct explain_list *list)
{
    mem_free(list->domain);
    mem_free(list->line);
    memset(list, 0, sizeof(*list));
}
