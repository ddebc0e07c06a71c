/* SPDX-License-Identifier: Apache-2.0 */
/* Reading of the record: fields between semicolons, addresses between commas, percent-decoding of mailboxes. */
#include "trust/tlsrpt_record.h"

static const struct slice VERSION = SLICE_LIT("v=TLSRPTv1");

/* The part of *rest before the next `mark`, without blanks around it; *rest moves behind it. */
static struct slice take(struct slice *rest, uint8_t mark)
{
    size_t end = slice_find(*rest, 0, mark);
    struct slice part = slice_trim(slice_sub(*rest, 0, end));
    *rest = slice_sub(*rest, end + 1, rest->len);
    return part;
}

static int hex_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (uint8_t)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 6068: a mailbox in which some bytes are written as %XX; nothing but printable ASCII comes out. */
static bool decode_mailbox(struct slice text, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int c = text.data[i];
        if (c == '%') {
            if (i + 2 >= text.len || hex_of(text.data[i + 1]) < 0 || hex_of(text.data[i + 2]) < 0)
                return false;
            c = hex_of(text.data[i + 1]) * 16 + hex_of(text.data[i + 2]);
            i += 2;
        }
        if (c <= ' ' || c > '~' || len == TLSRPT_URI_MAX)
            return false;
        out[len++] = (char)c;
    }
    out[len] = '\0';
    return len > 0;
}

static bool copy_printable(struct slice text, char *out)
{
    if (text.len > TLSRPT_URI_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
        out[i] = (char)text.data[i];
    }
    out[text.len] = '\0';
    return true;
}

static bool read_uri(struct slice uri, struct tlsrpt_rua *ret_rua)
{
    static const struct slice mailto = SLICE_LIT("mailto:");
    static const struct slice https = SLICE_LIT("https://");
    if (slice_istarts(uri, mailto)) {
        struct slice box = slice_sub(uri, mailto.len, uri.len);
        ret_rua->way = TLSRPT_MAILTO;
        return decode_mailbox(slice_sub(box, 0, slice_find(box, 0, '?')), ret_rua->text);
    }
    ret_rua->way = TLSRPT_HTTPS;
    return slice_istarts(uri, https) && uri.len > https.len && copy_printable(uri, ret_rua->text);
}

static void read_addresses(struct slice list, struct tlsrpt_record *record)
{
    while (list.len > 0 && record->count < TLSRPT_RUA_MAX) {
        struct slice uri = take(&list, ',');
        if (uri.len > 0 && read_uri(uri, &record->rua[record->count]))
            record->count++;
    }
}

static bool is_ours(struct slice record)
{
    struct slice rest = slice_sub(record, VERSION.len, record.len);
    if (record.len > TLSRPT_RECORD_MAX || !slice_starts(record, VERSION))
        return false;
    rest = slice_trim(rest);
    return rest.len > 0 && rest.data[0] == ';';
}

bool tlsrpt_record_read(const struct slice *records, size_t count, struct tlsrpt_record *ret_record)
{
    static const struct slice rua = SLICE_LIT("rua=");
    struct slice rest = SLICE_EMPTY;
    size_t found = 0;
    ret_record->count = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_ours(records[i])) {
            rest = records[i];
            found++;
        }
    }
    if (found != 1)
        return false;
    while (rest.len > 0) {
        struct slice field = take(&rest, ';');
        if (slice_starts(field, rua) && ret_record->count == 0)
            read_addresses(slice_sub(field, rua.len, field.len), ret_record);
    }
    return ret_record->count > 0;
}
