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
    CONF_CHOICE,    /* uint64_t: the place of the word in choices, counted from least */
    CONF_DATE,      /* int64_t microseconds UTC: the end of the day */
    CONF_PINS,      /* struct conf_list of pins of keys */
};

struct conf_key {
    const char *section; /* "" for keys outside sections */
    const char *name;
    enum conf_kind kind;
    size_t offset;       /* in struct conf; in struct conf_submission, conf_demand for their sections */
    size_t count_offset; /* CONF_DURATIONS */
    const char *fallback; /* text as in a file; lists: items split by spaces; NULL: none (NULL, empty list) */
    int64_t least;       /* bounds of numbers and durations, inclusive */
    int64_t most;
    const char *help;    /* one sentence or two, for the reference */
    const char *choices; /* CONF_CHOICE: "a|b|c" */
};

/* The whole table; *ret_count entries, the keys of one section one behind another. */
const struct conf_key *conf_schema(size_t *ret_count);

/* One sentence about a section, for the reference. */
const char *conf_section_help(const char *section);

/* The known name nearest to `name` in `section` (edit distance at most 3), or NULL. Section names count when
 * section is "". */
const char *conf_nearest(const char *section, const char *name);

/* Whether text is a value of the key; *ret_value is set for numbers, durations, days, choices and modes. False with the
 * reason. */
bool conf_value_read(const struct conf_key *key, const char *text, int64_t *ret_value, struct err *err);

/* Reads a size; false with nothing changed when it is not one. */
bool conf_parse_size(const char *text, uint64_t *ret_bytes);

#endif
