/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files, line by line. */
#include "net/sts_policy.h"

#include "net/sts_field.h"

#define LABEL_MAX 63u
#define DOMAIN_MAX 253u
#define LINE_SHOWN 80 /* bytes of a bad line that are told */

/* A file being read. */
struct reader {
    struct sts_policy *policy;
    bool version;
    bool mode;
    bool age;
    size_t hosts;
};

/* --- mx --- */

/* Letters, digits, hyphens inside; underscores too, which some hosts have. */
static bool label_ok(struct slice label)
{
    bool ok = label.len > 0 && label.len <= LABEL_MAX && label.data[0] != '-' && label.data[label.len - 1] != '-';
    for (size_t i = 0; ok && i < label.len; i++)
        ok = sts_field_is_alnum(label.data[i]) || label.data[i] == '-' || label.data[i] == '_';
    return ok;
}

static bool domain_ok(struct slice domain)
{
    bool ok = domain.len > 0 && domain.len <= DOMAIN_MAX;
    size_t at = 0;
    while (ok && at <= domain.len) {
        size_t dot = slice_find(domain, at, '.');
        ok = label_ok(slice_sub(domain, at, dot - at));
        at = dot + 1;
    }
    return ok;
}

static bool take_host(struct reader *reader, struct slice pattern, struct err *err)
{
    bool wild = slice_starts(pattern, SLICE_LIT("*."));
    struct buf *hosts = &reader->policy->hosts;
    if (!domain_ok(slice_sub(pattern, wild ? 2 : 0, pattern.len)))
        return err_set(err, "the policy's mx \"%.*s\" is neither a host name nor \"*.\" and a domain",
                       pattern.len > LINE_SHOWN ? LINE_SHOWN : (int)pattern.len, (const char *)pattern.data);
    if (++reader->hosts > STS_POLICY_HOSTS)
        return err_set(err, "the policy has more than %u mx lines", STS_POLICY_HOSTS);
    if (hosts->len > 0)
        buf_append_byte(hosts, '\n');
    for (size_t i = 0; i < pattern.len; i++) {
        uint8_t c = pattern.data[i];
        buf_append_byte(hosts, c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c);
    }
    return buf_ok(hosts) || err_set(err, "the policy's mx lines are too long together");
}

/* --- the other keys --- */

static bool take_version(struct reader *reader, struct slice value, struct err *err)
{
    if (reader->version)
        return true;
    reader->version = slice_eq(value, SLICE_LIT("STSv1"));
    return reader->version || err_set(err, "the policy's version is not STSv1");
}

static bool take_mode(struct reader *reader, struct slice value, struct err *err)
{
    if (reader->mode)
        return true;
    for (unsigned i = STS_POLICY_NONE; i <= STS_POLICY_ENFORCE && !reader->mode; i++) {
        reader->mode = slice_eq(value, slice_str(sts_policy_mode_name((enum sts_policy_mode)i)));
        reader->policy->mode = (enum sts_policy_mode)i;
    }
    return reader->mode || err_set(err, "the policy's mode is not enforce, testing or none");
}

static bool take_age(struct reader *reader, struct slice value, struct err *err)
{
    uint64_t age = 0;
    if (reader->age)
        return true;
    reader->age = value.len <= 10 && slice_u64(value, STS_POLICY_AGE_MAX, &age);
    reader->policy->max_age_s = (uint32_t)age;
    return reader->age || err_set(err, "the policy's max_age is not a number of seconds up to %u", STS_POLICY_AGE_MAX);
}

static bool take_field(struct reader *reader, struct slice name, struct slice value, struct err *err)
{
    if (slice_eq(name, SLICE_LIT("version")))
        return take_version(reader, value, err);
    if (slice_eq(name, SLICE_LIT("mode")))
        return take_mode(reader, value, err);
    if (slice_eq(name, SLICE_LIT("max_age")))
        return take_age(reader, value, err);
    return !slice_eq(name, SLICE_LIT("mx")) || take_host(reader, value, err);
}

/* --- lines --- */

static bool is_text(struct slice line)
{
    bool ok = true;
    for (size_t i = 0; ok && i < line.len; i++)
        ok = (line.data[i] >= ' ' && line.data[i] != 0x7f) || line.data[i] == '\t';
    return ok;
}

static bool take_line(struct reader *reader, struct slice line, struct err *err)
{
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    if (slice_trim(line).len == 0)
        return true; /* nothing said */
    size_t colon = slice_find(line, 0, ':');
    struct slice name = slice_sub(line, 0, colon);
    if (!is_text(line) || colon == line.len || !sts_field_name_ok(name))
        return err_set(err, "the policy has a line that is not \"key: value\"");
    return take_field(reader, name, slice_trim(slice_sub(line, colon + 1, line.len)), err);
}

static bool complete(const struct reader *reader, struct err *err)
{
    const char *missing = !reader->version ? "version" : !reader->mode ? "mode" : !reader->age ? "max_age" : NULL;
    if (missing == NULL && reader->hosts == 0 && reader->policy->mode != STS_POLICY_NONE)
        missing = "mx";
    return missing == NULL || err_set(err, "the policy has no %s", missing);
}

bool sts_policy_parse(struct slice text, struct sts_policy *ret_policy, struct err *err)
{
    struct reader reader = {.policy = ret_policy};
    size_t at = 0;
    *ret_policy = (struct sts_policy){.mode = STS_POLICY_NONE};
    buf_init(&ret_policy->hosts, STS_POLICY_BYTES_MAX);
    bool ok = text.len <= STS_POLICY_FILE_MAX || err_set(err, "the policy is longer than %u bytes", STS_POLICY_FILE_MAX);
    while (ok && at < text.len) {
        size_t end = slice_find(text, at, '\n');
        ok = take_line(&reader, slice_sub(text, at, end - at), err);
        at = end + 1;
    }
    return ok && complete(&reader, err);
}

void sts_policy_clear(struct sts_policy *policy)
{
    buf_free(&policy->hosts);
    *policy = (struct sts_policy){.mode = STS_POLICY_NONE};
}

static bool pattern_matches(struct slice pattern, struct slice host)
{
    if (!slice_starts(pattern, SLICE_LIT("*.")))
        return pattern.len > 0 && slice_ieq(pattern, host);
    size_t dot = slice_find(host, 0, '.');
    return dot > 0 && slice_ieq(slice_sub(pattern, 1, pattern.len), slice_sub(host, dot, host.len));
}

bool sts_policy_matches(struct slice hosts, struct slice host)
{
    bool matches = false;
    size_t at = 0;
    if (host.len > 0 && host.data[host.len - 1] == '.')
        host.len--;
    while (!matches && at < hosts.len) {
        size_t end = slice_find(hosts, at, '\n');
        matches = pattern_matches(slice_sub(hosts, at, end - at), host);
        at = end + 1;
    }
    return matches;
}

const char *sts_policy_mode_name(enum sts_policy_mode mode)
{
    static const char *const names[] = {"none", "testing", "enforce"};
    return names[mode];
}
