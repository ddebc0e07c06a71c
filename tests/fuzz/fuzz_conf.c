/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the configuration. Whatever the text, it is parsed or refused with a reason; nothing leaks. */
#include <stdlib.h>

#include "base/mem.h"
#include "os/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strndup(data, size);
    struct conf *conf = NULL;
    struct err err = {{0}};
    bool ok = conf_parse(text, "fuzz.conf", "/", &conf, &err);

    if (ok != (conf != NULL) || (!ok && err.text[0] == '\0')) {
        abort();
    }
    conf_free(&conf);
    mem_free(text);
    return 0;
}
