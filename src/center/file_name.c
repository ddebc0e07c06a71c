/* SPDX-License-Identifier: Apache-2.0 */
/* Safe file names. */
#include "center/file_name.h"

#include "center/text_clean.h"
#include "net/http_response.h"

#define EXTENSION_MAX 16 /* bytes of an extension worth keeping when a name is cut, with its dot */

static struct slice base_name(struct slice s)
{
    size_t start = 0;
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] == '/' || s.data[i] == '\\')
            start = i + 1;
    return slice_sub(s, start, s.len);
}

static void put_clean(struct buf *out, struct slice name)
{
    for (size_t at = 0; at < name.len;) {
        uint32_t c = text_next(name, &at);
        if (text_is_trick(c))
            continue;
        bool reserved = c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
                        (c < 0x80 && strchr("<>:\"|?*%$`;&'", (int)c) != NULL);
        if (!text_put(out, reserved ? '_' : c))
            return;
    }
}

static struct slice trim_ends(struct slice s)
{
    while (s.len > 0 && (s.data[0] == '.' || s.data[0] == ' '))
        s = slice_sub(s, 1, s.len);
    while (s.len > 0 && (s.data[s.len - 1] == '.' || s.data[s.len - 1] == ' '))
        s.len--;
    return s;
}

/* Names Windows gives to devices, with any extension. */
static bool is_device(struct slice name)
{
    static const char *const devices[] = {"con", "prn", "aux", "nul"};
    struct slice stem = slice_sub(name, 0, slice_find(name, 0, '.'));
    for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
        if (slice_ieq(stem, slice_str(devices[i])))
            return true;
    return stem.len == 4 && (slice_istarts(stem, SLICE_LIT("com")) || slice_istarts(stem, SLICE_LIT("lpt"))) &&
           stem.data[3] >= '0' && stem.data[3] <= '9';
}

/* s cut to at most len bytes between characters. */
static struct slice cut_at(struct slice s, size_t len)
{
    if (s.len <= len)
        return s;
    while (len > 0 && (s.data[len] & 0xc0) == 0x80)
        len--;
    return slice_sub(s, 0, len);
}

static struct slice extension_of(struct slice s)
{
    for (size_t i = s.len; i > 1 && s.len - i < EXTENSION_MAX; i--)
        if (s.data[i - 1] == '.')
            return slice_sub(s, i - 1, s.len);
    return SLICE_EMPTY;
}

void file_name_clean(struct buf *out, struct slice name)
{
    struct buf clean;
    buf_init(&clean, 4096);
    put_clean(&clean, base_name(name));
    struct slice s = trim_ends(buf_slice(&clean));
    if (s.len == 0)
        s = SLICE_LIT("attachment");
    struct slice prefix = is_device(s) ? SLICE_LIT("_") : SLICE_EMPTY;
    size_t room = HTTP_FILE_NAME_MAX - prefix.len;
    struct slice extension = s.len > room ? extension_of(s) : SLICE_EMPTY;
    struct slice stem = cut_at(slice_sub(s, 0, s.len - extension.len), room - extension.len);
    buf_append_slice(out, prefix);
    buf_append_slice(out, stem);
    buf_append_slice(out, extension);
    buf_free(&clean);
}
