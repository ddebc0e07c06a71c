/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the role intake: what its files share. intake takes mail from applications: TLS, AUTH, SMTP; it filters and
 * seals each message while it reads it, and says 250 only after the store has it on stable storage. It holds neither a
 * database nor keys other than those of the messages at hand and a few asked for ahead. */
#ifndef ROLES_INTAKE_H
#define ROLES_INTAKE_H

#include "base/list.h"
#include "keys/hmac.h"
#include "keys/sealed_field.h"
#include "keys/sealed_writer.h"
#include "net/tls_server.h"
#include "os/role.h"
#include "roles/intake_keys.h"
#include "smtp/smtp_server_session.h"

#define INTAKE_LISTENERS_MAX (CONF_SUBMISSION_MAX * CONF_LISTEN_MAX)
#define INTAKE_TURNED_AWAY_MAX 64u    /* sessions beyond the limit that are told so; the next ones wait in the backlog */
#define INTAKE_ACCEPTS 16             /* connections taken in one turn: other processes share the socket */
#define INTAKE_WRITERS_MAX 64u        /* unused sealing contexts kept: more messages are seldom read at once */
#define INTAKE_COMMITS_MAX 256u       /* commits waiting in the store, all intakes together: then reading stops */
#define INTAKE_COMMIT_BYTES_MAX (8u * 1024u * 1024u) /* likewise, bytes */
#define INTAKE_INLINE_BYTES 61440u    /* sealed bytes in memory above which content goes to a file of the store */
#define INTAKE_SEALED_MAX (512u * 1024u) /* of one session: a whole header and one feed while the file is on its way */
#define INTAKE_OUTPUT_BYTES 65536u    /* replies a client has not taken: then reading stops */
#define INTAKE_WRITE_BACK 1048576u    /* bytes of a large message after which the kernel is asked to write */
/* Times, which a test that cannot wait so long compiles shorter. */
#ifndef INTAKE_UNKNOWN_US
#define INTAKE_UNKNOWN_US INT64_C(60000000)    /* from connection to AUTH, in all */
#define INTAKE_IDLE_US INT64_C(300000000)      /* without a byte: RFC 5321 4.5.3.2.7 */
#define INTAKE_CONTENT_US INT64_C(1800000000)  /* one message, however slowly it comes */
#endif

/* Settings a session keeps from its beginning to its end, over any reload. */
struct intake_settings {
    unsigned references;
    struct smtp_server_config smtp;
    char *hostname;
    uint64_t sessions_max;
};

struct intake_listener {
    struct intake *intake;
    struct loop_watch *watch;
    int fd;
    unsigned section;
    bool starttls;
};

struct intake {
    struct role *role;
    struct loop *loop;
    struct tls_scratch *scratch;
    struct intake_settings *settings;
    struct tls_library *library;
    struct tls_server *tls[CONF_SUBMISSION_MAX];
    struct intake_listener listeners[INTAKE_LISTENERS_MAX];
    size_t listener_count;
    struct chan *keyd;  /* NULL: not there */
    struct chan *store; /* NULL: not there */
    struct intake_keys *keys;
    struct sealed_field *field;
    struct hmac *sha256;
    struct sealed_writer *writers[INTAKE_WRITERS_MAX]; /* unused ones */
    size_t writer_count;
    struct list sessions;
    size_t session_count;
    size_t orphans;      /* messages whose session is gone, waiting for the store */
    size_t commits;      /* waiting in the store */
    size_t commit_bytes;
    bool draining;
    bool full; /* listeners are not watched: too many sessions */
};

/* True when the store has as much waiting as it should: no content is read. */
bool intake_is_overloaded(const struct intake *intake);
/* A commit has been sent (bytes > 0, started) or answered. Sessions that were held back go on when there is room. */
void intake_commit_started(struct intake *intake, size_t bytes);
/* As above. */
void intake_commit_ended(struct intake *intake, size_t bytes);

/* A sealing context; given back with intake_writer_back(). */
struct sealed_writer *intake_writer(struct intake *intake);
/* Wipes what is unfinished and keeps the context. *writer becomes NULL; NULL is accepted. */
void intake_writer_back(struct intake *intake, struct sealed_writer **writer);

/* A session has ended: listens again when it had stopped, says drained when it was the last one. */
void intake_session_gone(struct intake *intake);
/* Says drained when nothing is left to be done. */
void intake_check_drained(struct intake *intake);

/* Shares the settings. */
struct intake_settings *intake_settings_share(struct intake_settings *settings);
/* Gives them back; frees them with the last one. *settings becomes NULL; NULL is accepted. */
void intake_settings_drop(struct intake_settings **settings);

#endif
