/* SPDX-License-Identifier: Apache-2.0 */
/* HTML to text, and text to a page: never more than the limit, well-formed, and no markup of the input comes through. */
#include <stdlib.h>

#include "center/file_name.h"
#include "center/html.h"
#include "center/html_plain.h"
#include "center/text_clean.h"
#include "mail/utf8.h"
#include "net/http_response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(struct slice name)
{
    struct buf out;
    buf_init(&out, HTTP_FILE_NAME_MAX);
    file_name_clean(&out, name);
    if (!buf_ok(&out) || out.len == 0 || !mail_utf8_valid(buf_slice(&out)) || out.data[0] == '.' ||
        memchr(out.data, '/', out.len) != NULL || memchr(out.data, '\\', out.len) != NULL)
        abort();
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf plain, clean, page;
    buf_init(&plain, 65536);
    buf_init(&clean, 65536 * 3);
    buf_init(&page, 65536 * 24);
    (void)html_plain(slice_of(data, size), &plain);
    if (!text_clean_block(&clean, buf_slice(&plain)) || !mail_utf8_valid(buf_slice(&clean)))
        abort();
    html_text(&page, buf_slice(&clean));
    if (!buf_ok(&page) || (page.len > 0 && (memchr(page.data, '<', page.len) != NULL || memchr(page.data, '"', page.len) != NULL)))
        abort();
    check_name(slice_of(data, size));
    buf_free(&plain);
    buf_free(&clean);
    buf_free(&page);
    return 0;
}
