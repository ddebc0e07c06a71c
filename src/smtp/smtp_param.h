/* SPDX-License-Identifier: Apache-2.0 */
/* What MAIL FROM and RCPT TO say: the path and the parameters of the announced extensions. */
#ifndef SMTP_SMTP_PARAM_H
#define SMTP_SMTP_PARAM_H

#include "base/err.h"
#include "mail/address.h"

#define SMTP_PARAM_ENVID_MAX 100u /* RFC 3461 4.4, decoded */
#define SMTP_PARAM_ORCPT_MAX 500u /* RFC 3461 4.2, decoded */
#define SMTP_PARAM_TYPE_MAX 32u   /* an address type; "rfc822" and "utf-8" are the ones in use */
#define SMTP_PARAM_BY_MAX 999999999 /* seconds; RFC 2852 allows nine digits */

enum smtp_ret { SMTP_RET_NONE, SMTP_RET_FULL, SMTP_RET_HDRS };

/* NOTIFY; 0: not given (failures only, as RFC 3461 4.1 leaves it). */
enum smtp_notify { SMTP_NOTIFY_NEVER = 1, SMTP_NOTIFY_SUCCESS = 2, SMTP_NOTIFY_FAILURE = 4, SMTP_NOTIFY_DELAY = 8 };

struct smtp_mail {
    bool null_path; /* "<>" */
    struct mail_address from;
    bool has_size;
    uint64_t size; /* announced, bytes */
    bool body_8bit;
    bool smtputf8;
    bool require_tls; /* RFC 8689 */
    enum smtp_ret ret;
    size_t envid_len; /* 0: none */
    char envid[SMTP_PARAM_ENVID_MAX + 1]; /* decoded, printable ASCII */
    int64_t by_s; /* DELIVERBY in return mode, seconds from now; 0: none */
};

struct smtp_rcpt {
    struct mail_address to;
    unsigned notify; /* enum smtp_notify bits */
    char orcpt_type[SMTP_PARAM_TYPE_MAX + 1]; /* "" : no ORCPT */
    size_t orcpt_len;
    char orcpt[SMTP_PARAM_ORCPT_MAX + 1]; /* decoded, printable */
};

/* Why a command was refused: a reply without the line end. */
struct smtp_refusal {
    unsigned code;        /* 501, 552, 555 */
    const char *status;   /* enhanced status, static */
    struct err text;      /* quotes nothing of the command */
};

/* Reads what stands behind "MAIL": "FROM:<path> parameters". False with *ret_refusal set. AUTH= is checked and
 * forgotten (RFC 4954 section 5): who may send as whom is decided by the session's own credential. */
bool smtp_param_mail(struct slice argument, struct smtp_mail *ret_mail, struct smtp_refusal *ret_refusal);

/* Reads what stands behind "RCPT": "TO:<path> parameters". smtputf8: MAIL asked for it. False as above. */
bool smtp_param_rcpt(struct slice argument, bool smtputf8, struct smtp_rcpt *ret_rcpt,
                     struct smtp_refusal *ret_refusal);

#endif
