/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of links, codes and sessions. Pure: the clock is handed in, the journal is the caller's. */
#include "store/center_state.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/wire.h"

#define CENTER_STATE_VERSION 1u

static bool center_digest_zero(const struct digest *d)
{
    static const struct digest zero;
    return memcmp(d, &zero, sizeof zero) == 0;
}

/* The entry of a link, or NULL. Digests of random 256-bit tokens: found by plain comparison. */
static struct center_link *center_find_link(struct center_state *s, const struct digest *link)
{
    for (size_t i = 0; i < CENTER_LINKS_MAX && !center_digest_zero(link); i++) {
        if (mem_equal_secret(&s->link[i].link, link, sizeof *link)) {
            return &s->link[i];
        }
    }
    return NULL;
}

static void center_add_link(struct center_state *s, const struct digest *link, int64_t until_us)
{
    struct center_link *oldest = &s->link[0];
    for (size_t i = 1; i < CENTER_LINKS_MAX; i++) {
        oldest = s->link[i].until_us < oldest->until_us ? &s->link[i] : oldest;
    }
    *oldest = (struct center_link){*link, until_us};
}

void center_state_init(struct center_state *s, const struct digest *link, int64_t now_us, int64_t expires_us,
                       const struct center_limits *limits)
{
    *s = (struct center_state){.expires_us = expires_us};
    center_add_link(s, link, now_us + limits->link_us);
}

bool center_state_alive(const struct center_state *s, int64_t now_us)
{
    return !s->closed && now_us < s->expires_us;
}

/* What every act behind a link asks first. expired_ok: an old link may ask for a new one. */
static enum msg_code center_admit(struct center_state *s, const struct digest *link, bool expired_ok, int64_t now_us)
{
    const struct center_link *found = center_find_link(s, link);
    if (found == NULL || !center_state_alive(s, now_us)) {
        return MSG_UNKNOWN;
    }
    if (!expired_ok && now_us >= found->until_us) {
        return MSG_EXPIRED;
    }
    return now_us < s->locked_us ? MSG_LOCKED : MSG_OK;
}

/* Counts a mail of this day; false when there were enough. */
static bool center_mail(struct center_state *s, int64_t now_us, const struct center_limits *limits)
{
    uint32_t day = clock_day(now_us);
    if (day != s->mails_day) {
        s->mails_day = day;
        s->mails = 0;
    }
    if (s->mails >= limits->mails_day) {
        return false;
    }
    s->mails++;
    return true;
}

/* The place for a code of this session: its own, else the one that dies first. */
static struct center_code *center_code_slot(struct center_state *s, const struct digest *session)
{
    struct center_code *slot = &s->code[0];
    for (size_t i = 0; i < CENTER_CODES_MAX; i++) {
        if (mem_equal_secret(&s->code[i].session, session, sizeof *session)) {
            return &s->code[i];
        }
        slot = s->code[i].until_us < slot->until_us ? &s->code[i] : slot;
    }
    return slot;
}

enum msg_code center_state_ask_code(struct center_state *s, const struct digest *link, const struct digest *session,
                                    const struct tag *code, int64_t now_us, const struct center_limits *limits)
{
    enum msg_code admitted = center_digest_zero(session) ? MSG_UNKNOWN : center_admit(s, link, false, now_us);
    if (admitted != MSG_OK) {
        return admitted;
    }
    if (!center_mail(s, now_us, limits)) {
        return MSG_BUSY;
    }
    *center_code_slot(s, session) = (struct center_code){*link, *session, *code, now_us + limits->code_us};
    return MSG_OK;
}

enum msg_code center_state_ask_link(struct center_state *s, const struct digest *link, const struct digest *fresh,
                                    int64_t now_us, const struct center_limits *limits)
{
    enum msg_code admitted = center_digest_zero(fresh) ? MSG_UNKNOWN : center_admit(s, link, true, now_us);
    if (admitted != MSG_OK) {
        return admitted;
    }
    if (!center_mail(s, now_us, limits)) {
        return MSG_BUSY;
    }
    center_add_link(s, fresh, now_us + limits->link_us);
    return MSG_OK;
}

static void center_open_session(struct center_state *s, const struct digest *session, int64_t until_us)
{
    struct center_session *slot = &s->session[0];
    for (size_t i = 1; i < CENTER_SESSIONS_MAX; i++) {
        slot = s->session[i].until_us < slot->until_us ? &s->session[i] : slot;
    }
    *slot = (struct center_session){*session, until_us};
}

static enum msg_code center_wrong(struct center_state *s, int64_t now_us, const struct center_limits *limits)
{
    s->wrong++;
    if (s->wrong < limits->tries) {
        return MSG_REFUSED;
    }
    uint32_t doublings = s->locks < CENTER_LOCK_DOUBLINGS ? s->locks : CENTER_LOCK_DOUBLINGS;
    s->locked_us = now_us + (CENTER_LOCK_FIRST_US << doublings);
    s->locks++;
    s->wrong = 0;
    memset(s->code, 0, sizeof s->code);
    return MSG_LOCKED;
}

enum msg_code center_state_verify(struct center_state *s, const struct digest *link, const struct digest *session,
                                  const struct tag *code, int64_t now_us, const struct center_limits *limits,
                                  int64_t *ret_until_us)
{
    struct center_code *right = NULL;
    enum msg_code admitted = center_digest_zero(session) ? MSG_UNKNOWN : center_admit(s, link, false, now_us);
    if (admitted != MSG_OK) {
        return admitted;
    }
    for (size_t i = 0; i < CENTER_CODES_MAX; i++) {
        struct center_code *c = &s->code[i];
        bool same = mem_equal_secret(&c->code, code, sizeof *code);
        same = mem_equal_secret(&c->session, session, sizeof *session) && same;
        same = mem_equal_secret(&c->link, link, sizeof *link) && same;
        right = same && now_us < c->until_us ? c : right;
    }
    if (right == NULL) {
        return center_wrong(s, now_us, limits);
    }
    memset(right, 0, sizeof *right); /* once only (row 12) */
    s->wrong = 0;
    s->locks = 0;
    int64_t until = now_us + limits->session_us;
    *ret_until_us = until < s->expires_us ? until : s->expires_us;
    center_open_session(s, session, *ret_until_us);
    return MSG_OK;
}

bool center_state_read(struct center_state *s, const struct digest *session, int64_t now_us,
                       const struct center_limits *limits, bool *ret_first)
{
    if (center_digest_zero(session) || !center_state_alive(s, now_us)) {
        return false;
    }
    for (size_t i = 0; i < CENTER_SESSIONS_MAX; i++) {
        struct center_session *open = &s->session[i];
        if (now_us < open->until_us && mem_equal_secret(&open->session, session, sizeof *session)) {
            int64_t until = now_us + limits->session_us;
            open->until_us = until < s->expires_us ? until : s->expires_us;
            *ret_first = s->opened_us == 0;
            s->opened_us = *ret_first ? now_us : s->opened_us;
            return true;
        }
    }
    return false;
}

bool center_state_logout(struct center_state *s, const struct digest *session)
{
    for (size_t i = 0; i < CENTER_SESSIONS_MAX && !center_digest_zero(session); i++) {
        if (mem_equal_secret(&s->session[i].session, session, sizeof *session)) {
            memset(&s->session[i], 0, sizeof s->session[i]);
            return true;
        }
    }
    return false;
}

void center_state_close(struct center_state *s)
{
    s->closed = true;
    memset(s->link, 0, sizeof s->link);
    memset(s->code, 0, sizeof s->code);
    memset(s->session, 0, sizeof s->session);
}

void center_state_write(const struct center_state *s, struct buf *out)
{
    wire_put_u8(out, CENTER_STATE_VERSION);
    wire_put_u8(out, s->closed ? 1 : 0);
    wire_put_u64(out, (uint64_t)s->expires_us);
    wire_put_u64(out, (uint64_t)s->locked_us);
    wire_put_u64(out, (uint64_t)s->opened_us);
    wire_put_u32(out, s->wrong);
    wire_put_u32(out, s->locks);
    wire_put_u32(out, s->mails_day);
    wire_put_u32(out, s->mails);
    for (size_t i = 0; i < CENTER_LINKS_MAX; i++) {
        buf_append(out, s->link[i].link.b, DIGEST_SIZE);
        wire_put_u64(out, (uint64_t)s->link[i].until_us);
    }
    for (size_t i = 0; i < CENTER_CODES_MAX; i++) {
        buf_append(out, s->code[i].link.b, DIGEST_SIZE);
        buf_append(out, s->code[i].session.b, DIGEST_SIZE);
        buf_append(out, s->code[i].code.b, TAG_SIZE);
        wire_put_u64(out, (uint64_t)s->code[i].until_us);
    }
    for (size_t i = 0; i < CENTER_SESSIONS_MAX; i++) {
        buf_append(out, s->session[i].session.b, DIGEST_SIZE);
        wire_put_u64(out, (uint64_t)s->session[i].until_us);
    }
}

bool center_state_parse(struct slice bytes, struct center_state *s)
{
    struct wire_reader r = wire_reader_of(bytes);
    bool version = wire_u8(&r) == CENTER_STATE_VERSION;
    uint8_t closed = wire_u8(&r);
    s->closed = closed == 1;
    s->expires_us = (int64_t)wire_u64(&r);
    s->locked_us = (int64_t)wire_u64(&r);
    s->opened_us = (int64_t)wire_u64(&r);
    s->wrong = wire_u32(&r);
    s->locks = wire_u32(&r);
    s->mails_day = wire_u32(&r);
    s->mails = wire_u32(&r);
    for (size_t i = 0; i < CENTER_LINKS_MAX; i++) {
        wire_copy(&r, s->link[i].link.b, DIGEST_SIZE);
        s->link[i].until_us = (int64_t)wire_u64(&r);
    }
    for (size_t i = 0; i < CENTER_CODES_MAX; i++) {
        wire_copy(&r, s->code[i].link.b, DIGEST_SIZE);
        wire_copy(&r, s->code[i].session.b, DIGEST_SIZE);
        wire_copy(&r, s->code[i].code.b, TAG_SIZE);
        s->code[i].until_us = (int64_t)wire_u64(&r);
    }
    for (size_t i = 0; i < CENTER_SESSIONS_MAX; i++) {
        wire_copy(&r, s->session[i].session.b, DIGEST_SIZE);
        s->session[i].until_us = (int64_t)wire_u64(&r);
    }
    return wire_done(&r) && version && closed <= 1;
}
