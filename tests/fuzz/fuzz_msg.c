/* SPDX-License-Identifier: Apache-2.0 */
/* Every reader of local messages: the first byte chooses the layout. What is read is written again to the same bytes,
 * alone and as a list. */
#include "../unit/os/msg_layouts.h"

#include <stdlib.h>

#define OBJECT_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool condition)
{
    if (!condition)
        abort();
}

/* Writes the object again and compares. */
static void write_again(const struct layout *layout, const void *object, struct slice from)
{
    struct buf b;
    buf_init(&b, 1u << 24);
    layout_write(layout, &b, object);
    expect(buf_ok(&b) && slice_eq(buf_slice(&b), from));
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t object[OBJECT_MAX] __attribute__((aligned(16)));
    if (size == 0)
        return 0;
    const struct layout *layout = msg_layouts[data[0] % MSG_LAYOUTS];
    struct slice s = slice_of(data + 1, size - 1);
    expect(layout->size <= sizeof(object));
    if (layout_read(layout, s, object))
        write_again(layout, object, s);
    struct wire_reader r = wire_reader_of(s);
    const uint8_t *at = r.at;
    while (layout_next(layout, &r, object)) {
        write_again(layout, object, slice_of(at, (size_t)(r.at - at)));
        at = r.at;
        if (layout->count == 0)
            break;
    }
    return 0;
}
