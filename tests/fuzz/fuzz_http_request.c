/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP requests: reading byte by byte gives the same as reading at once; what is accepted keeps to the limits. */
#include <stdlib.h>

#include "net/http_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(const struct http_request *r)
{
    struct slice host;
    if (r->state != HTTP_REQUEST_DONE)
        return;
    if (r->path.len == 0 || r->path.data[0] != '/' || r->path.len > HTTP_TARGET_MAX || r->body.len > 64)
        abort();
    if (!http_request_field(r, SLICE_LIT("host"), &host) || http_request_field_count(r, SLICE_LIT("transfer-encoding")) > 0)
        abort();
    for (size_t i = 0; i < r->field_count; i++)
        if (memchr(r->fields[i].value.data, '\n', r->fields[i].value.len) != NULL)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_request *whole = http_request_create(64);
    struct http_request *bytes = http_request_create(64);
    struct slice cookie;
    size_t used = http_request_feed(whole, slice_of(data, size));
    size_t i = 0;
    while (i < size && bytes->state < HTTP_REQUEST_DONE)
        i += http_request_feed(bytes, slice_of(data + i, 1));
    bool same = whole->state == bytes->state && whole->status == bytes->status && whole->field_count == bytes->field_count;
    if (!same && !(whole->state == HTTP_REQUEST_BAD && bytes->state == HTTP_REQUEST_BAD))
        abort();
    if (whole->state == HTTP_REQUEST_DONE && (used != i || !slice_eq(whole->path, bytes->path)))
        abort();
    check_request(whole);
    (void)http_request_cookie(whole, SLICE_LIT("s"), &cookie);
    http_request_free(&whole);
    http_request_free(&bytes);
    return 0;
}
