/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of facts (docs/formats-trust.md): what is read comes back the same, and ends in one verdict. */
#include <assert.h>
#include <stdlib.h>

#include "trust/trust_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(const struct trust_attempt *attempt)
{
    struct trust_attempt_end end;
    trust_attempt_judge(attempt, &end);
    assert(end.verdict.action >= TRUST_SEND && end.verdict.action <= TRUST_RETURN && end.verdict.action != TRUST_NEXT_HOST);
    assert(!(attempt->must_end && end.verdict.action == TRUST_LATER));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trust_attempt first, second;
    struct trust_attempt_end end;
    struct buf one, two;
    struct err err = {{0}};
    if (size > TRUST_JSON_MAX || trust_json_read_end(slice_of(data, size), &end, &err) ||
        !trust_json_read(slice_of(data, size), &first, &err))
        return 0;
    buf_init(&one, 4 * TRUST_JSON_MAX);
    buf_init(&two, 4 * TRUST_JSON_MAX);
    judge(&first);
    trust_json_write(&first, &one);
    if (!trust_json_read(buf_slice(&one), &second, &err))
        abort();
    trust_json_write(&second, &two);
    assert(slice_eq(buf_slice(&one), buf_slice(&two)));
    trust_attempt_free(&first);
    trust_attempt_free(&second);
    buf_free(&one);
    buf_free(&two);
    return 0;
}
