/* SPDX-License-Identifier: Apache-2.0 */
/* Policy files: what is accepted has hosts (but in mode none), each a name or a wildcard that names a host below it. */
#include <stdlib.h>

#include "net/sts_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_pattern(struct slice hosts, struct slice pattern)
{
    struct buf host;
    buf_init(&host, 300);
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.data[i] <= ' ' || pattern.data[i] >= 0x7f || (pattern.data[i] >= 'A' && pattern.data[i] <= 'Z'))
            abort();
        buf_append_byte(&host, pattern.data[i] == '*' ? 'x' : pattern.data[i]);
    }
    if (!sts_policy_matches(hosts, buf_slice(&host)) || !sts_policy_matches(pattern, buf_slice(&host)))
        abort();
    buf_append_str(&host, "x");
    if (sts_policy_matches(pattern, buf_slice(&host)))
        abort();
    buf_free(&host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sts_policy policy;
    struct err err = {""};
    bool ok = sts_policy_parse(slice_of(data, size), &policy, &err);
    struct slice hosts = buf_slice(&policy.hosts);
    if (ok == (err.text[0] != '\0') || policy.max_age_s > STS_POLICY_AGE_MAX)
        abort();
    if (ok && hosts.len == 0 && policy.mode != STS_POLICY_NONE)
        abort();
    for (size_t at = 0; ok && at < hosts.len;) {
        size_t end = slice_find(hosts, at, '\n');
        check_pattern(hosts, slice_sub(hosts, at, end - at));
        at = end + 1;
    }
    sts_policy_clear(&policy);
    return 0;
}
