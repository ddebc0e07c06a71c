/* SPDX-License-Identifier: Apache-2.0 */
/* Domains and address literals (RFC 5321 4.1.2, 4.1.3; RFC 5890 by libidn2). */
#include "mail/domain.h"

#include <arpa/inet.h>
#include <idn2.h>

#include "mail/utf8.h"

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_let_dig(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool label_ok(struct slice label)
{
    if (label.len == 0 || label.len > MAIL_LABEL_MAX)
        return false;
    if (!is_let_dig(label.data[0]) || !is_let_dig(label.data[label.len - 1]))
        return false;
    for (size_t i = 0; i < label.len; i++) {
        if (!is_let_dig(label.data[i]) && label.data[i] != '-')
            return false;
    }
    return true;
}

static bool name_ok(struct slice name)
{
    if (name.len == 0 || name.len > MAIL_DOMAIN_ASCII_MAX)
        return false;
    size_t at = 0;
    while (at <= name.len) {
        size_t dot = slice_find(name, at, '.');
        if (!label_ok(slice_sub(name, at, dot - at)))
            return false;
        at = dot + 1;
    }
    return true;
}

static void copy_lower(char *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    out[s.len] = '\0';
}

static bool parse_ulabels(struct mail_domain *domain, struct err *err)
{
    uint8_t *lookup = NULL;
    const uint8_t *text = (const uint8_t *)domain->text;
    int status = idn2_lookup_u8(text, &lookup, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES);
    if (status != IDN2_OK)
        return err_set(err, "the domain is no valid international name (%s)", idn2_strerror(status));
    struct slice ascii = slice_str((const char *)lookup);
    bool ok = name_ok(ascii);
    if (ok)
        copy_lower(domain->ascii, ascii);
    idn2_free(lookup);
    return ok || err_set(err, "the domain has no valid A-label form");
}

static bool parse_name(struct slice s, unsigned flags, struct mail_domain *domain, struct err *err)
{
    domain->kind = MAIL_DOMAIN_NAME;
    if (!mail_utf8_ascii(s)) {
        if ((flags & MAIL_SMTPUTF8) == 0)
            return err_set(err, "the domain holds characters that need SMTPUTF8");
        if (!mail_utf8_valid(s))
            return err_set(err, "the domain is not valid UTF-8");
        return parse_ulabels(domain, err);
    }
    if (!name_ok(s))
        return err_set(err, "the domain is not a host name");
    copy_lower(domain->ascii, s);
    return true;
}

/* Snum: one to three digits, at most 255, no leading zero. Advances *at. */
static bool parse_snum(struct slice s, size_t *at, uint8_t *ret_octet)
{
    size_t start = *at;
    unsigned value = 0;
    while (*at < s.len && *at - start < 3 && is_digit(s.data[*at])) {
        value = value * 10 + (unsigned)(s.data[*at] - '0');
        (*at)++;
    }
    bool leading_zero = *at - start > 1 && s.data[start] == '0';
    if (*at == start || leading_zero || value > 255)
        return false;
    *ret_octet = (uint8_t)value;
    return true;
}

static bool parse_ipv4(struct slice s, uint8_t ret_ip[4])
{
    size_t at = 0;
    for (size_t i = 0; i < 4; i++) {
        if (i > 0 && (at >= s.len || s.data[at++] != '.'))
            return false;
        if (!parse_snum(s, &at, &ret_ip[i]))
            return false;
    }
    return at == s.len;
}

/* What has been read of an IPv6 address: groups so far, and where "::" stood (-1: nowhere). */
struct ipv6_reader {
    struct slice s;
    size_t at;
    uint8_t ip[16];
    int groups;
    int gap;
};

static bool read_group(struct ipv6_reader *r)
{
    unsigned value = 0;
    size_t start = r->at;
    while (r->at < r->s.len && r->at - start < 4 && is_hex(r->s.data[r->at])) {
        uint8_t c = r->s.data[r->at++];
        value = value << 4 | (unsigned)(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (r->at == start || r->groups >= 8)
        return false;
    r->ip[2 * r->groups] = (uint8_t)(value >> 8);
    r->ip[2 * r->groups + 1] = (uint8_t)value;
    r->groups++;
    return true;
}

/* The rest as a dotted quad, which fills two groups. */
static bool read_quad(struct ipv6_reader *r)
{
    struct slice rest = slice_sub(r->s, r->at, r->s.len);
    if (r->groups > 6 || !parse_ipv4(rest, r->ip + 2 * r->groups))
        return false;
    r->groups += 2;
    r->at = r->s.len;
    return true;
}

static bool at_double_colon(const struct ipv6_reader *r)
{
    return r->at + 1 < r->s.len && r->s.data[r->at] == ':' && r->s.data[r->at + 1] == ':';
}

static bool read_groups(struct ipv6_reader *r)
{
    while (r->at < r->s.len) {
        struct slice rest = slice_sub(r->s, r->at, r->s.len);
        bool last = slice_find(rest, 0, ':') == rest.len;
        if (last && slice_find(rest, 0, '.') < rest.len)
            return read_quad(r);
        if (!read_group(r))
            return false;
        if (r->at == r->s.len)
            return true;
        if (at_double_colon(r)) {
            if (r->gap >= 0)
                return false;
            r->gap = r->groups;
            r->at += 2;
        } else if (r->s.data[r->at] == ':' && r->at + 1 < r->s.len) {
            r->at++;
        } else {
            return false;
        }
    }
    return true;
}

/* RFC 5321 4.1.3: with "::" at most six groups are written (it stands for two or more), without it eight. */
static bool parse_ipv6(struct slice s, uint8_t ret_ip[16])
{
    struct ipv6_reader r = {.s = s, .gap = -1};
    if (at_double_colon(&r)) {
        r.gap = 0;
        r.at = 2;
    }
    if (!read_groups(&r))
        return false;
    if (r.gap < 0 ? r.groups != 8 : r.groups > 6)
        return false;
    size_t head = r.gap < 0 ? 16 : 2 * (size_t)r.gap;
    size_t tail = 2 * (size_t)r.groups - (r.gap < 0 ? 16 : head);
    memset(ret_ip, 0, 16);
    memcpy(ret_ip, r.ip, head);
    memcpy(ret_ip + 16 - tail, r.ip + head, tail);
    return true;
}

/* The one normal spelling of a literal, from its bytes. */
static void spell_literal(struct mail_domain *domain)
{
    char address[INET6_ADDRSTRLEN];
    bool v6 = domain->kind == MAIL_DOMAIN_IPV6;
    const char *prefix = v6 ? "[IPv6:" : "[";
    inet_ntop(v6 ? AF_INET6 : AF_INET, domain->ip, address, sizeof(address));
    size_t prefix_len = strlen(prefix);
    size_t len = strlen(address);
    memcpy(domain->ascii, prefix, prefix_len);
    memcpy(domain->ascii + prefix_len, address, len);
    memcpy(domain->ascii + prefix_len + len, "]", 2);
}

static bool parse_literal(struct slice s, struct mail_domain *domain, struct err *err)
{
    if (s.len < 2 || s.data[s.len - 1] != ']')
        return err_set(err, "the address literal is not closed");
    struct slice inner = slice_sub(s, 1, s.len - 2);
    if (slice_istarts(inner, SLICE_LIT("IPv6:"))) {
        domain->kind = MAIL_DOMAIN_IPV6;
        if (!parse_ipv6(slice_sub(inner, 5, inner.len), domain->ip))
            return err_set(err, "the literal is not an IPv6 address");
    } else {
        domain->kind = MAIL_DOMAIN_IPV4;
        if (!parse_ipv4(inner, domain->ip))
            return err_set(err, "the literal is neither an IPv4 address nor marked IPv6:");
    }
    spell_literal(domain);
    return true;
}

bool mail_domain_parse(struct slice s, unsigned flags, struct mail_domain *ret_domain, struct err *err)
{
    memset(ret_domain, 0, sizeof(*ret_domain));
    if (s.len == 0)
        return err_set(err, "the domain is missing");
    if (s.len > MAIL_DOMAIN_MAX)
        return err_set(err, "the domain is longer than %d octets", MAIL_DOMAIN_MAX);
    if (slice_find(s, 0, '\0') < s.len)
        return err_set(err, "the domain holds a NUL");
    memcpy(ret_domain->text, s.data, s.len);
    bool ok = s.data[0] == '[' ? parse_literal(s, ret_domain, err) : parse_name(s, flags, ret_domain, err);
    if (!ok)
        memset(ret_domain, 0, sizeof(*ret_domain));
    return ok;
}

bool mail_domain_eq(const struct mail_domain *a, const struct mail_domain *b)
{
    return a->kind == b->kind && strcmp(a->ascii, b->ascii) == 0;
}
