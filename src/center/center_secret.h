/* SPDX-License-Identifier: Apache-2.0 */
/* The secrets of the Message Center: link tokens, browser sessions, one-time codes. Only hashes of them are stored
 * or sent to the store; whoever reads the store can open nothing with what he finds. */
#ifndef CENTER_SECRET_H
#define CENTER_SECRET_H

#include "base/id.h"
#include "center/routes.h"

#define CENTER_SECRET_TEXT CENTER_TOKEN_TEXT /* base64url of 256 random bits */
#define CENTER_CODE_DIGITS 8u                /* with 5 tries a code: one in twenty million */
/* `__Host-`: browsers take it only over HTTPS, for this host alone, from this host alone. */
#define CENTER_COOKIE SLICE_LIT("__Host-sealpost")

/* A token or session secret as text, NUL-terminated; wiped by its holder. */
struct center_secret {
    char text[CENTER_SECRET_TEXT + 1];
};

struct center_code {
    char digits[CENTER_CODE_DIGITS + 1];
};

/* A new random secret. */
void center_secret_make(struct center_secret *ret_secret);

/* Reads text as a secret: exactly CENTER_SECRET_TEXT characters of base64url; compared as text, never decoded. */
bool center_secret_parse(struct slice text, struct center_secret *ret_secret);

/* SHA-256 of the text: what the store knows a link or session by. Whoever makes links (the courier) uses this too. */
void center_secret_digest(const struct center_secret *secret, struct digest *ret_digest);

/* A new random code, each of the 10^8 equally likely. */
void center_code_make(struct center_code *ret_code);

/* Reads what a person typed: eight ASCII digits; spaces and hyphens between them do not count. */
bool center_code_parse(struct slice text, struct center_code *ret_code);

/* HMAC-SHA-256 over link, session and code, cut to TAG_SIZE: a code is good for one link in one browser session. */
void center_code_tag(const struct key *code_key, const struct digest *link, const struct digest *session,
                     const struct center_code *code, struct tag *ret_tag);

#define CENTER_FORM_TEXT 33 /* 32 hex digits and NUL */
/* The token of forms in one browser session: derived from the session's secret, so that another site, which cannot
 * read the cookie, cannot make it (CSRF). */
void center_form_token(const struct center_secret *session, char ret_text[CENTER_FORM_TEXT]);

/* True when text is that token; constant time. */
bool center_form_check(const struct center_secret *session, struct slice text);

#endif
