/* SPDX-License-Identifier: Apache-2.0 */
/* Reading names and records. */
#include "net/dns_rdata.h"

#define LABEL_MAX 63

static bool is_name_octet(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool label_ok(struct slice label)
{
    if (label.len == 0 || label.len > LABEL_MAX)
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!is_name_octet(label.data[i]))
            return false;
    }
    return true;
}

static void append_label(char *name, size_t *len, struct slice label)
{
    if (*len > 0)
        name[(*len)++] = '.';
    for (size_t i = 0; i < label.len; i++) {
        uint8_t c = label.data[i];
        name[(*len)++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
}

bool dns_name_text(struct slice s, char ret_name[DNS_NAME_MAX], size_t *ret_used)
{
    size_t at = 0;
    size_t len = 0;
    ret_name[0] = '\0';
    while (at < s.len && s.data[at] != 0) {
        struct slice label = slice_sub(s, at + 1, s.data[at]);
        bool whole = label.len == s.data[at];
        if (!whole || !label_ok(label) || len + 1 + label.len >= DNS_NAME_MAX)
            return false;
        append_label(ret_name, &len, label);
        at += 1 + label.len;
    }
    if (at >= s.len)
        return false;
    ret_name[len] = '\0';
    *ret_used = at + 1;
    return true;
}

bool dns_rdata_mx(struct slice s, uint16_t *ret_preference, char ret_name[DNS_NAME_MAX])
{
    size_t used = 0;
    if (s.len < 3)
        return false;
    *ret_preference = (uint16_t)(s.data[0] << 8 | s.data[1]);
    struct slice name = slice_sub(s, 2, s.len);
    return dns_name_text(name, ret_name, &used) && used == name.len;
}

bool dns_rdata_tlsa(struct slice s, struct msg_tlsa *ret_tlsa)
{
    struct wire_reader r = wire_reader_of(s);
    ret_tlsa->usage = wire_u8(&r);
    ret_tlsa->selector = wire_u8(&r);
    ret_tlsa->matching = wire_u8(&r);
    ret_tlsa->data = wire_bytes(&r, wire_left(&r));
    return !r.bad && ret_tlsa->data.len > 0;
}

bool dns_rdata_txt(struct slice s, struct buf *out)
{
    struct wire_reader r = wire_reader_of(s);
    while (wire_left(&r) > 0)
        buf_append_slice(out, wire_bytes(&r, wire_u8(&r)));
    return wire_done(&r) && s.len > 0 && buf_ok(out);
}

bool dns_name_ok(struct slice text)
{
    if (text.len == 0 || text.len >= DNS_NAME_MAX)
        return false;
    size_t at = 0;
    while (at <= text.len) {
        size_t dot = slice_find(text, at, '.');
        if (!label_ok(slice_sub(text, at, dot - at)))
            return false;
        at = dot + 1;
    }
    return true;
}
