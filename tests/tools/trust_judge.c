/* SPDX-License-Identifier: Apache-2.0 */
/* The judge for programs: one document of facts a line from standard input, one document of verdicts a line to standard
 * output (docs/formats-trust.md). A line that is no document gives {"error":"..."}; the exit status is then 1.
 * trust_judge < facts.jsonl > verdicts.jsonl */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "trust/trust_json.h"

static bool judge(struct slice line, struct buf *out)
{
    struct trust_attempt_end end;
    struct trust_attempt attempt;
    struct err err = {{0}};
    if (trust_json_read(line, &attempt, &err)) {
        trust_attempt_judge(&attempt, &end);
        trust_attempt_free(&attempt);
        trust_json_write_end(&end, out);
        return true;
    }
    json_t *object = json_pack("{s:s}", "error", err.text);
    char *text = json_dumps(object, JSON_COMPACT);
    (void)buf_append_str(out, text);
    free(text);
    json_decref(object);
    return false;
}

int main(void)
{
    struct buf out;
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    int status = 0;
    buf_init(&out, TRUST_JSON_MAX);
    while ((len = getline(&line, &cap, stdin)) > 0) {
        buf_reset(&out);
        if (!judge(slice_of(line, (size_t)len), &out))
            status = 1;
        (void)buf_append_byte(&out, '\n');
        (void)fwrite(out.data, 1, out.len, stdout);
    }
    free(line);
    buf_free(&out);
    return fflush(stdout) == 0 ? status : 2;
}
