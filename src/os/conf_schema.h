/* SPDX-License-Identifier: Apache-2.0 */
/* The schema of the configuration: one table from which it is parsed, checked, given defaults and documented. */
#ifndef OS_CONF_SCHEMA_H
#define OS_CONF_SCHEMA_H

#include "os/conf.h"

enum conf_kind {
    CONF_STRING,    /* char * */
    CONF_PATH,      /* char *; relative paths start at the folder of the file */
    CONF_BOOL,      /* bool */
    CONF_COUNT,     /* uint64_t */
    CONF_SIZE,      /* uint64_t bytes: "50MB" (1000), "64KiB" (1024) */
    CONF_DURATION,  /* int64_t microseconds */
    CONF_LISTEN,    /* struct conf_list of numeric addresses with a port */
    CONF_SERVERS,   /* struct conf_list of numeric addresses, a port may follow */
    CONF_SOURCES,   /* struct conf_list of numeric addresses alone */
    CONF_PATHS,     /* struct conf_list of paths */
    CONF_DURATIONS, /* int64_t[CONF_LIST_MAX] at offset, size_t count at count_offset */
    CONF_MODE,      /* bool starttls: "tls" or "starttls" */
};

struct conf_key {
    const char *section; /* "" for keys outside sections */
    const char *name;
    enum conf_kind kind;
    size_t offset;       /* in struct conf; in struct conf_submission for section "submission" */
    size_t count_offset; /* CONF_DURATIONS */
    const char *fallback; /* text as in a file; lists: items split by spaces; NULL: none (NULL, empty list) */
    int64_t least;       /* bounds of numbers and durations, inclusive */
    int64_t most;
    const char *help;    /* one sentence or two, for the reference */
};

/* The whole table; *ret_count entries, the keys of one section one behind another. */
const struct conf_key *conf_schema(size_t *ret_count);

/* One sentence about a section, for the reference. */
const char *conf_section_help(const char *section);

/* The known name nearest to `name` in `section` (edit distance at most 3), or NULL. Section names count when
 * section is "". */
const char *conf_nearest(const char *section, const char *name);

/* Reads a size; false with nothing changed when it is not one. */
bool conf_parse_size(const char *text, uint64_t *ret_bytes);

#endif
