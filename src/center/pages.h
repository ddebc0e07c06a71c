/* SPDX-License-Identifier: Apache-2.0 */
/* The pages of the Message Center. Each is complete without script, on a phone and by keyboard. No page says whether
 * a link or letter exists before its reader has proved to own the mailbox (row 29). */
#ifndef CENTER_PAGES_H
#define CENTER_PAGES_H

#include "base/id.h"
#include "center/center_secret.h"
#include "center/view.h"

/* A page at most: the largest text with every byte escaped, headers, a full list. */
#define PAGE_MAX (VIEW_ANSWER_MAX * 6 + 65536)

/* What the operator configured, for all pages. */
struct page_site {
    struct slice operator_name;
    struct slice postmaster; /* mailbox for questions; empty: not shown */
};

enum page_code_note {
    PAGE_CODE_SENT,      /* the first time */
    PAGE_CODE_SENT_AGAIN,
    PAGE_CODE_WRONG,     /* wrong, too old, too often, or no such letter: one answer for all */
    PAGE_CODE_NOT_DIGITS,
};

/* Whole pages without a letter. */
enum page_plain {
    PAGE_FRONT,       /* 200 */
    PAGE_NEW_LINK,    /* 200: a new link was asked for */
    PAGE_LOGGED_OUT,  /* 200 */
    PAGE_NO_SESSION,  /* 401 */
    PAGE_FORBIDDEN,   /* 403: the request did not come from our pages */
    PAGE_NOT_FOUND,   /* 404 */
    PAGE_METHOD,      /* 405 */
    PAGE_UNREADABLE,  /* 500: an attachment could not be taken out of the message */
    PAGE_BUSY,        /* 503 */
    PAGE_BAD_REQUEST, /* any other 4xx */
};

struct page_letter {
    struct id letter;
    int64_t expires_us;
    const struct view_answer *view; /* NULL: the message could not be taken apart; only the whole of it is offered */
    uint64_t size;                  /* of the whole message */
    const struct center_secret *session;
};

/* The page behind a link: what this is, and one POST form. The same for every token of the right shape. */
void page_link(struct buf *out, const struct page_site *site, struct slice token);

/* The form with the one field `code`. */
void page_code(struct buf *out, const struct page_site *site, struct slice token, const struct center_secret *session,
               enum page_code_note note);

/* The letter. */
void page_letter(struct buf *out, const struct page_site *site, const struct page_letter *letter);

/* A page that only tells something. */
void page_plain(struct buf *out, const struct page_site *site, enum page_plain what);

/* The status a plain page goes out with. */
unsigned page_plain_status(enum page_plain what);

#endif
