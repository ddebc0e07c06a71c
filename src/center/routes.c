/* SPDX-License-Identifier: Apache-2.0 */
/* The route table and its matcher. */
#include "center/routes.h"

/* GET on the paths of forms shows the inert page again: what a browser does on "reload" or "back". */
static const struct route routes[] = {
    {ROUTE_FRONT, METHOD_GET, "/", false, false},
    {ROUTE_STYLE, METHOD_GET, "/style.css", false, false},
    {ROUTE_ICON, METHOD_GET, "/icon.svg", false, false},
    {ROUTE_LINK, METHOD_GET, "/l/{token}", false, false},
    {ROUTE_LINK, METHOD_GET, "/l/{token}/code", false, false},
    {ROUTE_LINK, METHOD_GET, "/l/{token}/new", false, false},
    {ROUTE_SEND, METHOD_POST, "/l/{token}", false, true},
    {ROUTE_CODE, METHOD_POST, "/l/{token}/code", true, true},
    {ROUTE_NEW, METHOD_POST, "/l/{token}/new", false, true},
    {ROUTE_LETTER, METHOD_GET, "/m/{letter}", true, false},
    {ROUTE_ATTACHMENT, METHOD_GET, "/m/{letter}/a/{n}", true, false},
    {ROUTE_LOGOUT, METHOD_POST, "/m/{letter}/logout", true, true},
    {ROUTE_REPORT, METHOD_POST, CENTER_REPORT_PATH, false, false},
};

const struct route *route_table(size_t *ret_count)
{
    *ret_count = sizeof(routes) / sizeof(*routes);
    return routes;
}

static bool is_token(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];
        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '_'))
            return false;
    }
    return s.len == CENTER_TOKEN_TEXT;
}

static bool match_segment(struct slice pattern, struct slice segment, struct route_match *match)
{
    uint64_t number = 0;
    if (slice_eq(pattern, SLICE_LIT("{token}"))) {
        match->token = segment;
        return is_token(segment);
    }
    if (slice_eq(pattern, SLICE_LIT("{letter}")))
        return id_parse(segment, &match->letter);
    if (slice_eq(pattern, SLICE_LIT("{n}"))) {
        bool plain = segment.len == 1 || (segment.len > 1 && segment.data[0] != '0');
        bool good = plain && slice_u64(segment, CENTER_ATTACHMENTS_MAX, &number);
        match->number = (unsigned)number;
        return good;
    }
    return slice_eq(pattern, segment);
}

/* Both begin with '/' and are compared segment by segment; nothing is decoded, merged or resolved. */
static bool match_path(struct slice pattern, struct slice path, struct route_match *match)
{
    size_t p = 1, s = 1;
    while (p <= pattern.len && s <= path.len) {
        size_t p_end = slice_find(pattern, p, '/'), s_end = slice_find(path, s, '/');
        if (!match_segment(slice_sub(pattern, p, p_end - p), slice_sub(path, s, s_end - s), match))
            return false;
        p = p_end + 1;
        s = s_end + 1;
    }
    return p > pattern.len && s > path.len;
}

struct route_match route_find(enum http_method method, struct slice path)
{
    struct route_match none = {.route = NULL};
    enum http_method wanted = method == METHOD_HEAD ? METHOD_GET : method;
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
        struct route_match match = {.route = &routes[i]};
        if (!match_path(slice_str(routes[i].pattern), path, &match))
            continue;
        if (routes[i].method == wanted)
            return match;
        none.other_method = true;
    }
    return none;
}
