/* SPDX-License-Identifier: Apache-2.0 */
/* Writes heads of HTTP answers with their fixed security headers. */
#include "net/http_response.h"

#include "base/clock.h"

#define KINDS 5

struct kind_headers {
    const char *type;
    const char *policy;
    const char *cache;
};

/* `sandbox` without allow-tokens: even if a browser showed a download, nothing in it could run or load. */
static const struct kind_headers kinds[KINDS] = {
    [HTTP_BODY_HTML] = {"text/html; charset=utf-8",
                        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
                        "frame-ancestors 'none'; base-uri 'none'",
                        "no-store"},
    [HTTP_BODY_TEXT] = {"text/plain; charset=utf-8", "default-src 'none'; frame-ancestors 'none'; sandbox", "no-store"},
    [HTTP_BODY_CSS] = {"text/css; charset=utf-8", "default-src 'none'; frame-ancestors 'none'; sandbox",
                       "public, max-age=3600"},
    [HTTP_BODY_SVG] = {"image/svg+xml", "default-src 'none'; frame-ancestors 'none'; sandbox", "public, max-age=3600"},
    [HTTP_BODY_DOWNLOAD] = {"application/octet-stream", "default-src 'none'; frame-ancestors 'none'; sandbox",
                            "no-store"},
};

const char *http_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } table[] = {
        {200, "OK"},
        {201, "Created"},
        {303, "See Other"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {410, "Gone"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (table[i].status == status)
            return table[i].reason;
    return "Status";
}

/* True when s can stand in a header line as it is. */
static bool header_safe(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] < ' ' || s.data[i] >= 0x7f)
            return false;
    return true;
}

static void put_verbatim(struct buf *out, const char *name, struct slice value)
{
    if (value.len == 0)
        return;
    if (!header_safe(value)) {
        out->over = true;
        return;
    }
    buf_printf(out, "%s: ", name);
    buf_append_slice(out, value);
    buf_append_str(out, "\r\n");
}

static void put_date(struct buf *out, int64_t now_utc_us)
{
    char date[CLOCK_DATE_MAX];
    clock_rfc5322(now_utc_us, date);
    char *zone = strrchr(date, ' ');
    if (zone != NULL)
        *zone = '\0';
    buf_printf(out, "Date: %s GMT\r\n", date);
}

/* The same for every kind of body. HSTS without includeSubDomains: the host's children are not ours to decide. */
static void put_fixed(struct buf *out)
{
    buf_append_str(out, "Referrer-Policy: no-referrer\r\n"
                        "X-Content-Type-Options: nosniff\r\n"
                        "X-Frame-Options: DENY\r\n"
                        "X-Robots-Tag: noindex, nofollow, noarchive\r\n"
                        "Strict-Transport-Security: max-age=31536000\r\n"
                        "Permissions-Policy: camera=(), display-capture=(), geolocation=(), microphone=(), "
                        "payment=(), usb=()\r\n"
                        "Cross-Origin-Opener-Policy: same-origin\r\n"
                        "Cross-Origin-Embedder-Policy: require-corp\r\n"
                        "Cross-Origin-Resource-Policy: same-origin\r\n");
}

static bool plain_char(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '.' || c == '-' || c == '_';
}

/* Content-Disposition (RFC 6266): a plain name in quotes, any other in the exact form of RFC 8187 alone, because some
 * readers prefer a plain approximation when both are there. */
static void put_disposition(struct buf *out, struct slice name)
{
    bool plain = true;
    if (name.len > HTTP_FILE_NAME_MAX)
        out->over = true;
    for (size_t i = 0; i < name.len; i++)
        plain = plain && (plain_char(name.data[i]) || name.data[i] == ' ');
    buf_append_str(out, plain ? "Content-Disposition: attachment; filename=\"" :
                                "Content-Disposition: attachment; filename*=UTF-8''");
    for (size_t i = 0; i < name.len; i++) {
        if (plain || plain_char(name.data[i]))
            buf_append_byte(out, name.data[i]);
        else
            buf_printf(out, "%%%02X", name.data[i]);
    }
    buf_append_str(out, plain ? "\"\r\n" : "\r\n");
}

bool http_response_head(const struct http_response *response, int64_t now_utc_us, struct buf *out)
{
    const struct http_response *r = response;
    const struct kind_headers *kind = &kinds[r->kind];
    buf_printf(out, "HTTP/1.1 %u %s\r\n", r->status, http_reason(r->status));
    put_date(out, now_utc_us);
    buf_printf(out, "Content-Type: %s\r\nContent-Length: %llu\r\n", kind->type, (unsigned long long)r->length);
    buf_printf(out, "Cache-Control: %s\r\nContent-Security-Policy: %s\r\n", kind->cache, kind->policy);
    put_fixed(out);
    if (r->kind == HTTP_BODY_DOWNLOAD)
        put_disposition(out, r->file_name);
    put_verbatim(out, "Location", r->location);
    put_verbatim(out, "Set-Cookie", r->cookie);
    put_verbatim(out, "Allow", slice_str(r->allow));
    if (r->retry_after > 0)
        buf_printf(out, "Retry-After: %u\r\n", r->retry_after);
    if (r->close)
        buf_append_str(out, "Connection: close\r\n");
    return buf_append_str(out, "\r\n") && buf_ok(out);
}

struct slice http_response_continue(void)
{
    return SLICE_LIT("HTTP/1.1 100 Continue\r\n\r\n");
}

bool http_cookie_set(struct buf *out, struct slice name, struct slice value, unsigned max_age_s)
{
    buf_append_slice(out, name);
    buf_append_byte(out, '=');
    buf_append_slice(out, value);
    return buf_printf(out, "; Path=/; Max-Age=%u; Secure; HttpOnly; SameSite=Strict", max_age_s);
}
