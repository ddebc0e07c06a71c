/* SPDX-License-Identifier: Apache-2.0 */
/* What the Message Center remembers of one letter: its links, the codes on their way, wrong tries, browser sessions.
 * Links and session secrets are SHA-256 digests, codes are HMAC tags under a key the store does not hold; nothing here
 * opens anything. The story of a reader:
 *
 * A letter is born with one link, valid for the link's lifetime. Behind a valid link a browser session (known by its
 * digest) may ask for a code; the code is bound to letter, link and session, lives for the code's lifetime, and a newer
 * one of the same session replaces it. The right code opens the letter to that session alone and is used up; a wrong
 * one counts. After `tries` wrong ones every outstanding code dies and the letter is locked for a growing time, 15
 * minutes first; the right code clears the count. An open session ends when it has been idle for its time, on log-out,
 * or with the letter. A new link may be asked for behind an old one, also an expired one; it goes to the stored mailbox
 * only. Mails are limited per day. A closed letter (expired, withdrawn) answers like an unknown one. */
#ifndef STORE_CENTER_STATE_H
#define STORE_CENTER_STATE_H

#include "base/buf.h"
#include "base/id.h"
#include "os/msg.h"

#define CENTER_LINKS_MAX 4u     /* the oldest is forgotten */
#define CENTER_CODES_MAX 4u     /* browsers waiting for a code at once */
#define CENTER_SESSIONS_MAX 8u  /* browsers reading at once */
#define CENTER_LOCK_FIRST_US INT64_C(900000000)
#define CENTER_LOCK_DOUBLINGS 6u /* 15 minutes to 16 hours */

/* Numbers are on disk (record_center.act) and in audit leaves. */
enum center_act {
    CENTER_CODE_ASKED = 1,
    CENTER_LINK_ASKED = 2,
    CENTER_OPENED = 3,       /* the right code: a session begins */
    CENTER_WRONG_CODE = 4,
    CENTER_LOCKED = 5,       /* wrong, and the last one allowed */
    CENTER_READ = 6,         /* the letter was handed to its session for the first time */
    CENTER_LOGOUT = 7,
    CENTER_TRANSIT_ENDED = 8, /* a mail with code or link was sent, refused, or ran out of time */
    CENTER_UNKNOWN_LINK = 9,
    CENTER_DENIED = 10,      /* asked for while locked, closed or over a limit */
    CENTER_TRANSIT_TRIED = 11, /* not yet sent; next try later */
};

struct center_link {
    struct digest link;
    int64_t until_us;
};
struct center_code {
    struct digest link;
    struct digest session;
    struct tag code;
    int64_t until_us;
};
struct center_session {
    struct digest session;
    int64_t until_us;
};

struct center_state {
    int64_t expires_us; /* of the letter; set once */
    bool closed;        /* withdrawn */
    struct center_link link[CENTER_LINKS_MAX];
    struct center_code code[CENTER_CODES_MAX];
    struct center_session session[CENTER_SESSIONS_MAX];
    uint32_t wrong;     /* tries since the last success */
    uint32_t locks;     /* in a row */
    int64_t locked_us;  /* until */
    uint32_t mails_day; /* clock_day of mails */
    uint32_t mails;
    int64_t opened_us;  /* first reading; 0: never */
};

/* From configuration. */
struct center_limits {
    int64_t link_us;
    int64_t code_us;
    int64_t session_us;
    uint32_t tries;
    uint32_t mails_day; /* codes and links for one letter in a day */
};

/* A new letter with its first link. */
void center_state_init(struct center_state *state, const struct digest *link, int64_t now_us, int64_t expires_us,
                       const struct center_limits *limits);

/* True while the letter can be read at all. */
bool center_state_alive(const struct center_state *state, int64_t now_us);

/* A session behind `link` asks for a code whose tag is `code`. MSG_OK: send it. Otherwise nothing is sent: MSG_UNKNOWN
 * (not alive, or no such link), MSG_EXPIRED (the link), MSG_LOCKED, MSG_BUSY (mails of the day). */
enum msg_code center_state_ask_code(struct center_state *state, const struct digest *link, const struct digest *session,
                                    const struct tag *code, int64_t now_us, const struct center_limits *limits);

/* Somebody behind `link`, which may have expired, asks for a new one with digest `fresh`. Answers as above. */
enum msg_code center_state_ask_link(struct center_state *state, const struct digest *link, const struct digest *fresh,
                                    int64_t now_us, const struct center_limits *limits);

/* A code is typed. MSG_OK: the session is open until *ret_until_us. MSG_REFUSED: wrong. MSG_LOCKED: wrong or right, it
 * is locked now. MSG_UNKNOWN, MSG_EXPIRED as above. Compared in constant time. */
enum msg_code center_state_verify(struct center_state *state, const struct digest *link, const struct digest *session,
                                  const struct tag *code, int64_t now_us, const struct center_limits *limits,
                                  int64_t *ret_until_us);

/* True when the session may read now; its idle time begins anew. */
bool center_state_read(struct center_state *state, const struct digest *session, int64_t now_us,
                       const struct center_limits *limits, bool *ret_first);

/* Ends a session; false when there is none. */
bool center_state_logout(struct center_state *state, const struct digest *session);

/* Withdraws the letter: links, codes and sessions die. */
void center_state_close(struct center_state *state);

/* Appends the canonical bytes. */
void center_state_write(const struct center_state *state, struct buf *out);
/* Reads them back; false on anything else. */
bool center_state_parse(struct slice bytes, struct center_state *ret_state);

#endif
