/* SPDX-License-Identifier: Apache-2.0 */
/* Tries from inside a live role, as the environment asks for. In no build but the one for this test. */
#include "os/role_probe.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "os/sandbox.h"

static bool role_probe_is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && strcmp(value, "1") == 0;
}

bool role_probe_without(void)
{
    return role_probe_is_set("SEALPOST_PROBE_NO_SANDBOX");
}

bool role_probe_as_root(void)
{
    return role_probe_is_set("SEALPOST_PROBE_ROOT");
}

uint32_t role_probe_abi(void)
{
    const char *value = getenv("SEALPOST_PROBE_ABI");
    return value == NULL ? 0 : (uint32_t)strtoul(value, NULL, 10);
}

void role_probe_run(const struct log *log)
{
    const char *rest = getenv("SEALPOST_PROBE_TRIES");
    while (rest != NULL && *rest != '\0') {
        size_t len = strcspn(rest, "\n");
        char *what = mem_strndup(rest, len);
        log_info(log, "probe %s: %s", what, sandbox_probe(what) ? "passed" : "refused");
        mem_free(what);
        rest += rest[len] == '\n' ? len + 1 : len;
    }
}
