/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as scrub's child takes them apart: an answer always comes, within the limits of its layout. */
#include <stdlib.h>

#include "center/mime_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    mime_view_setup();
    return 0;
}

static void check(struct slice message, unsigned part)
{
    struct mime_view view;
    struct view_answer answer;
    struct buf out;
    buf_init(&out, VIEW_ANSWER_MAX);
    mime_view_read(message, part, &view);
    layout_write(&view_answer_layout, &out, &view.answer);
    if (!buf_ok(&out) || !layout_read(&view_answer_layout, buf_slice(&out), &answer))
        abort();
    buf_free(&out);
    mime_view_free(&view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    check(slice_of(data + 1, size - 1), 0);
    check(slice_of(data + 1, size - 1), data[0] % 4 + 1);
    return 0;
}
