/* SPDX-License-Identifier: Apache-2.0 */
/* A message on its way in: envelope, filter, sealing while it is read, and the commit. */
#ifndef ROLES_INTAKE_MESSAGE_H
#define ROLES_INTAKE_MESSAGE_H

#include "mail/submission.h"
#include "roles/intake_session.h"

struct intake_recipient {
    char *address;   /* as given, without brackets */
    char *canonical;
    char *domain;    /* A-label form */
    char *orcpt;     /* "type;address"; NULL: none */
    uint8_t notify;  /* enum mail_notify bits */
};

/* Where the sealed content is. It begins in MEMORY. When it grows too large for a record the store is ASKED for a file,
 * and no further content is read; once the FILE is there, content goes to it. */
enum intake_place { INTAKE_MEMORY, INTAKE_ASKED, INTAKE_FILE };

struct intake_message {
    struct intake *intake;
    struct intake_session *session; /* NULL: gone, the object waits for the store's answer only */
    struct smtp_mail mail;
    struct intake_recipient *recipients;
    size_t recipient_count;
    struct intake_keys_waiter waiter;
    bool keyed; /* key is there */
    struct intake_key key;
    bool filtering;
    struct mail_submission filter;
    uint8_t minimum; /* proof demanded by the message, enum trust_level; 0: none */
    bool judged; /* From and Sender were compared with the credential */
    char *message_id; /* without brackets */
    char *from;       /* first address of From; NULL: none */
    char *date;       /* NULL: none, or absurdly long */
    int64_t accepted_us;
    struct sealed_writer *writer;
    struct buf sealed; /* frames not yet written */
    uint64_t size;     /* of the plaintext */
    enum intake_place place;
    int fd;
    uint64_t file_length;
    uint64_t file_started; /* bytes whose write-back was begun */
    struct tag tail;
    bool refused;
    bool eight_bit;   /* bytes above 127 anywhere: the next host must take 8BITMIME */
    bool header_8bit;
    bool complete; /* all content is sealed; waits for the file, or for the commit */
    bool asked;    /* an answer of the store is owed to this object */
    size_t commit_bytes;
};

/* The SMTP session's questions and parts; session is a struct intake_session. */
void intake_message_mail(void *session, const struct smtp_mail *mail);
/* As above. */
void intake_message_rcpt(void *session, const struct smtp_rcpt *rcpt);
/* As above. */
void intake_message_begin(void *session);
/* As above. */
void intake_message_content(void *session, struct slice content);
/* As above. */
void intake_message_end(void *session);
/* As above; also the end of the session. Harmless without a message. */
void intake_message_forget(void *session);

/* intake_commit.c: appends the payload of MSG_COMMIT. False when a limit of the message format is passed. */
bool intake_commit_payload(struct intake_message *message, struct buf *out);

#endif
