/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the configuration: what a text means for a key, and whether it may stand there. */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/slice.h"
#include "os/conf_demand.h"
#include "os/conf_schema.h"
#include "os/inet.h"

bool conf_parse_size(const char *text, uint64_t *ret_bytes)
{
    static const struct {
        const char *suffix;
        uint64_t factor;
    } units[] = {{"", 1}, {"B", 1}, {"KB", 1000}, {"MB", 1000000}, {"GB", 1000000000},
                 {"KiB", 1024}, {"MiB", 1048576}, {"GiB", 1073741824}};
    size_t digits = strspn(text, "0123456789");
    uint64_t n = 0;

    if (!slice_u64(slice_of(text, digits), UINT64_MAX / 1073741824, &n)) {
        return false;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (strcmp(text + digits, units[i].suffix) == 0) {
            *ret_bytes = n * units[i].factor;
            return true;
        }
    }
    return false;
}

/* Whether text is an address as the key wants it. */
static bool address_of(const struct conf_key *key, const char *text, struct err *err)
{
    struct sockaddr_storage address;
    socklen_t len;
    bool with_port = strchr(text, ']') != NULL ? strstr(text, "]:") != NULL : strchr(text, ':') != NULL && strchr(text, ':') == strrchr(text, ':');

    if (key->kind == CONF_SOURCES && with_port) {
        return err_set(err, "'%s' takes addresses without a port, not '%s'", key->name, text);
    }
    return inet_parse(text, key->kind == CONF_LISTEN ? -1 : 0, &address, &len, err) || err_prefix(err, "'%s': ", key->name);
}

/* One of the words of a choice, "a|b|c": its place, counted from least. */
static bool choice_of(const struct conf_key *key, const char *text, int64_t *ret_value, struct err *err)
{
    const char *at = key->choices;
    int64_t place = key->least;
    size_t len = strlen(text);

    while (*at != '\0') {
        size_t word = strcspn(at, "|");
        if (word == len && strncmp(at, text, len) == 0) {
            *ret_value = place;
            return true;
        }
        at += word + (at[word] == '|' ? 1 : 0);
        place++;
    }
    return err_set(err, "'%s' must be one of %s, not '%s'", key->name, key->choices, text);
}

/* "2027-03-01": the first microsecond behind that day, UTC. */
static bool date_of(const char *text, int64_t *ret_us)
{
    struct tm tm = {0};
    struct tm back;
    const char *end = strlen(text) == 10 ? strptime(text, "%Y-%m-%d", &tm) : NULL;
    int day = tm.tm_mday;
    time_t at;

    if (end == NULL || *end != '\0') {
        return false;
    }
    at = timegm(&tm);
    if (at < 0 || gmtime_r(&at, &back) == NULL || back.tm_mday != day) {
        return false;
    }
    *ret_us = (int64_t)at * CLOCK_US_PER_S + CLOCK_US_PER_DAY;
    return true;
}

bool conf_value_read(const struct conf_key *key, const char *text, int64_t *ret_value, struct err *err)
{
    uint64_t n = 0;
    bool in_range;

    switch (key->kind) {
    case CONF_COUNT:
        if (!slice_u64(slice_str(text), INT64_MAX, &n)) {
            return err_set(err, "'%s' must be a whole number, not '%s'", key->name, text);
        }
        *ret_value = (int64_t)n;
        break;
    case CONF_SIZE:
        if (!conf_parse_size(text, &n) || n > INT64_MAX) {
            return err_set(err, "'%s' must be a size such as 50MB or 64KiB, not '%s'", key->name, text);
        }
        *ret_value = (int64_t)n;
        break;
    case CONF_DURATION:
    case CONF_DURATIONS:
        if (!clock_parse_duration(text, ret_value)) {
            return err_set(err, "'%s' must be a duration such as 100ms, 30s, 5m, 4h or 5d, not '%s'", key->name, text);
        }
        break;
    case CONF_LISTEN:
    case CONF_SERVERS:
    case CONF_SOURCES:
        return address_of(key, text, err);
    case CONF_CHOICE:
        return choice_of(key, text, ret_value, err);
    case CONF_DATE:
        return date_of(text, ret_value) || err_set(err, "'%s' must be a day such as 2027-03-01, not '%s'", key->name, text);
    case CONF_PINS:
        return conf_demand_pin_ok(text) ||
               err_set(err, "'%s' must be sha256: or ca-sha256: and the base64 of a key's SHA-256, not '%s'", key->name, text);
    case CONF_MODE:
        *ret_value = strcmp(text, "starttls") == 0;
        return *ret_value == 1 || strcmp(text, "tls") == 0 ||
               err_set(err, "'%s' must be \"tls\" or \"starttls\", not '%s'", key->name, text);
    default:
        return true;
    }
    in_range = *ret_value >= key->least && *ret_value <= key->most;
    return in_range || err_set(err, "'%s' is out of range: '%s'", key->name, text);
}
