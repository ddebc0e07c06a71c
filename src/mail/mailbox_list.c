/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of mailboxes and groups. The reader walks forward only; groups and comments are counted, never recursed
 * into. */
#include "mail/mailbox_list.h"

#include "base/mem.h"
#include "mail/cfws.h"
#include "mail/utf8.h"

struct list_reader {
    struct slice s;
    size_t at;
    unsigned flags;
    bool in_group;
    struct mail_mailbox_list *list;
};

static bool at_byte(const struct list_reader *r, uint8_t byte)
{
    return r->at < r->s.len && r->s.data[r->at] == byte;
}

/* Bytes of a dot-atom, UTF-8 included; which of them may really stand there is mail_address_parse()'s matter. */
static bool is_dot_atom(uint8_t c)
{
    return c > 32 && c != 127 && strchr("()<>[]:;@\\,\"", c) == NULL;
}

static size_t skip_dot_atom(struct slice s, size_t at)
{
    while (at < s.len && is_dot_atom(s.data[at]))
        at++;
    return at;
}

/* When an addr-spec starts at `at`: true and its end. Local part and at sign must touch. */
static bool find_addr_spec(struct slice s, size_t at, size_t *ret_end)
{
    if (at < s.len && s.data[at] == '"') {
        if (!mail_cfws_skip_quoted(s, &at))
            return false;
    } else {
        at = skip_dot_atom(s, at);
    }
    if (at >= s.len || s.data[at] != '@')
        return false;
    at++;
    if (at < s.len && s.data[at] == '[') {
        size_t close = slice_find(s, at, ']');
        *ret_end = close < s.len ? close + 1 : s.len;
    } else {
        *ret_end = skip_dot_atom(s, at);
    }
    return true;
}

static bool add_address(struct list_reader *r, struct slice text, struct err *err)
{
    struct mail_mailbox_list *list = r->list;
    struct mail_address address;
    if (!mail_address_parse(text, r->flags, &address, err))
        return false;
    if (strstr(address.local, "=?") != NULL)
        return err_set(err, "an address holds an encoded word");
    if (list->count == MAIL_MAILBOXES_MAX)
        return err_set(err, "the field has more than %d addresses", MAIL_MAILBOXES_MAX);
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 1 : list->capacity * 2;
        list->addresses = mem_resize_array(list->addresses, list->capacity, sizeof(*list->addresses));
    }
    list->addresses[list->count++] = address;
    return true;
}

static bool skip_cfws(struct list_reader *r, struct err *err)
{
    return mail_cfws_skip(r->s, &r->at) || err_set(err, "a comment is not closed or nested too deeply");
}

/* The addr-spec that starts here, and what blank space follows it. */
static bool read_addr_spec(struct list_reader *r, struct err *err)
{
    size_t end;
    if (!find_addr_spec(r->s, r->at, &end))
        return err_set(err, "the field holds no address where one must be");
    struct slice text = slice_sub(r->s, r->at, end - r->at);
    r->at = end;
    return add_address(r, text, err) && skip_cfws(r, err);
}

static bool read_angle(struct list_reader *r, struct err *err)
{
    r->at++;
    if (!skip_cfws(r, err) || !read_addr_spec(r, err))
        return false;
    if (!at_byte(r, '>'))
        return err_set(err, "an address in angle brackets is not closed");
    r->at++;
    return skip_cfws(r, err);
}

/* Words of a display name or of a group's name. */
static bool skip_phrase(struct list_reader *r, struct err *err)
{
    bool more = true;
    while (more && r->at < r->s.len) {
        size_t before = r->at;
        if (at_byte(r, '"') && !mail_cfws_skip_quoted(r->s, &r->at))
            return err_set(err, "a quoted string is not closed");
        r->at = skip_dot_atom(r->s, r->at);
        if (!skip_cfws(r, err))
            return false;
        more = r->at > before;
    }
    return true;
}

static bool open_group(struct list_reader *r, struct err *err)
{
    if (r->in_group)
        return err_set(err, "a group stands inside a group");
    r->in_group = true;
    r->at++;
    return skip_cfws(r, err);
}

/* One mailbox, or the name and colon of a group. */
static bool read_item(struct list_reader *r, struct err *err)
{
    size_t end;
    if (find_addr_spec(r->s, r->at, &end))
        return read_addr_spec(r, err);
    size_t start = r->at;
    if (!skip_phrase(r, err))
        return false;
    if (at_byte(r, '<'))
        return read_angle(r, err);
    if (at_byte(r, ':') && r->at > start)
        return open_group(r, err);
    return err_set(err, "the field holds a name without an address");
}

/* What stands between items: commas (empty items are obsolete but harmless) and the end of a group. */
static bool read_separators(struct list_reader *r, bool *ret_any, struct err *err)
{
    *ret_any = false;
    while (at_byte(r, ',') || (at_byte(r, ';') && r->in_group)) {
        if (at_byte(r, ';'))
            r->in_group = false;
        *ret_any = true;
        r->at++;
        if (!skip_cfws(r, err))
            return false;
    }
    return true;
}

static bool read_list(struct list_reader *r, struct err *err)
{
    bool separated = true;
    if (!skip_cfws(r, err) || !read_separators(r, &separated, err))
        return false;
    separated = true;
    while (r->at < r->s.len) {
        bool was_group = r->in_group;
        if (!separated || !read_item(r, err))
            return separated ? false : err_set(err, "two addresses are not separated by a comma");
        bool opened = r->in_group && !was_group;
        if (!read_separators(r, &separated, err))
            return false;
        separated = separated || opened;
    }
    return !r->in_group || err_set(err, "a group is not closed");
}

static bool names_nobody(struct slice value)
{
    if (value.len == 0)
        return true;
    bool encoded = memmem(value.data, value.len, "=?", 2) != NULL;
    return slice_find(value, 0, '@') == value.len && mail_utf8_ascii(value) && !encoded;
}

bool mail_mailbox_list_add(struct slice value, unsigned flags, struct mail_mailbox_list *list, struct err *err)
{
    size_t before = list->count;
    if (names_nobody(value))
        return true;
    struct list_reader r = {.s = value, .flags = flags, .list = list};
    return read_list(&r, err) &&
           (list->count > before || err_set(err, "the field shows what looks like an address only in comments or names"));
}

bool mail_mailbox_list_parse(struct slice value, unsigned flags, struct mail_mailbox_list *ret_list, struct err *err)
{
    *ret_list = (struct mail_mailbox_list){0};
    if (mail_mailbox_list_add(value, flags, ret_list, err))
        return true;
    mail_mailbox_list_free(ret_list);
    return false;
}

void mail_mailbox_list_free(struct mail_mailbox_list *list)
{
    if (list == NULL)
        return;
    mem_free(list->addresses);
    *list = (struct mail_mailbox_list){0};
}
