/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the role courier: what its files share. A courier holds leases (one message, its recipients at one
 * destination), finds and proves a host, sends, and reports what became of each recipient.
 *
 * The story of a lease. It begins in KEYS: keyd opens the header. MEMORY: the store is asked what the domain has shown
 * before and which policy is kept of it, unless that is known. DOSSIER: the resolver, given that policy, is asked where the
 * domain's mail goes and what proves its hosts; when it must be asked and the policy was not, back to MEMORY first. WALK:
 * hosts are tried in order until one is proved. SEND: transactions on that session. SETTLE: what is posted
 * becomes letters, what is returned becomes a report to the sender, evidence is sealed. REPORT: completions are on their
 * way to the store, and the lease is OVER when all were answered. A lease whose store is gone goes on only when
 * the end of a content has been sent; everything before that is dropped, and the next store leases it anew. */
#ifndef ROLES_COURIER_H
#define ROLES_COURIER_H

#include "base/list.h"
#include "keys/hmac.h"
#include "keys/sealed_field.h"
#include "keys/sealed_reader.h"
#include "keys/sealed_writer.h"
#include "mail/address.h"
#include "mail/envelope.h"
#include "os/role.h"
#include "roles/peer.h"
#include "smtp/smtp_client_transaction.h"
#include "trust/trust_destination.h"
#include "trust/trust_evidence.h"
#include "trust/trust_notice.h"
#include "trust/trust_pin.h"

#define COURIER_HOSTS_MAX 16u        /* hosts of a domain that are looked at: preference 17 is never reached */
#define COURIER_ADDRESSES_MAX 4u     /* addresses tried of one host */
#define COURIER_TRIES_MAX 12u        /* connections of one attempt */
#define COURIER_IDLE_MAX 64u         /* proved sessions kept for the next message */
#define COURIER_IDLE_US INT64_C(5000000) /* how long: receivers close idle sessions after minutes, users wait seconds */
#define COURIER_SESSION_MESSAGES 500u /* messages over one session; then a fresh proof */
#define COURIER_LETTERS_PART ((size_t)120000) /* bytes of letters in one completion: several fit a frame */
#define COURIER_LETTERS_LAST ((size_t)32768) /* in the last one, beside a hundred results and a report to the sender */
#define COURIER_LEASES_MAX 4096u     /* at once; the store stays far below */
#define COURIER_CONTENT_STEP 65536u  /* bytes read from a content file at once */
#define COURIER_MEMORY_MAX 65536u     /* domains whose memory is at hand; beyond it the store is asked each time */
#define COURIER_DELAY_ATTEMPT 3u     /* the attempt after which NOTIFY=DELAY is honoured, once */

struct courier;
struct courier_memory;
struct courier_watch;
struct courier_tallies;
struct courier_tlsrpt;
struct courier_lease;
struct courier_session;

/* Sealed content, unsealed piece by piece. */
struct courier_content {
    struct sealed_reader *reader;
    struct slice header;
    const struct key *key;
    struct slice sealed; /* inline; empty with a file */
    int fd;              /* -1 without a file */
    uint64_t length;     /* of the file */
    uint64_t at;
    struct buf plain;
    bool ended;
};

/* One host of the route. */
struct courier_host {
    char *name;
    uint16_t preference;
    enum trust_dns dns;
    bool secure;
    size_t count;
    struct msg_address address[COURIER_ADDRESSES_MAX];
    size_t offered; /* addresses before private ones were left out */
    enum trust_tlsa_state tlsa; /* USABLE: a record can be used */
    char *tlsa_base;            /* NULL: none */
    struct buf records;         /* msg_tlsa */
    bool sts_match;             /* the policy in force names it */
};

/* Where a domain's mail goes. */
struct courier_route {
    char *sts_hosts;        /* patterns of the policy in force, LF between; NULL: none */
    uint32_t sts_max_age;   /* its life in seconds */
    struct trust_domain domain;
    struct trust_pin_set pins; /* those in force */
    size_t count;
    struct courier_host host[COURIER_HOSTS_MAX];
};

/* How one recipient ends. */
struct courier_recipient {
    uint16_t index;
    uint32_t generation;
    uint8_t notify;
    struct buf plain; /* secret: what the slices below point into */
    struct mail_recipient mail;
    struct mail_address address;
    char *orcpt;      /* xtext, or NULL */
    bool decided;
    struct trust_verdict verdict;
    struct trust_answer answer;
    char *reply;      /* escaped; NULL without */
    char *host;       /* that replied */
    bool relayed;     /* delivered to a host that does not do DSN */
    uint8_t outcome;  /* enum msg_outcome */
    bool told;        /* its result is in a completion */
};

enum courier_state {
    COURIER_KEYS,
    COURIER_MEMORY,
    COURIER_DOSSIER,
    COURIER_WALK,
    COURIER_SEND,
    COURIER_SETTLE,
    COURIER_REPORT,
    COURIER_OVER,
};

/* What is still to be made before a lease can be reported; in this order. */
enum courier_settle {
    COURIER_SETTLE_EVIDENCE,
    COURIER_SETTLE_LETTERS,
    COURIER_SETTLE_FILES,
    COURIER_SETTLE_DSN,
    COURIER_SETTLE_DONE,
};

struct courier_lease {
    struct list link;
    struct courier *courier;
    struct buf frame;     /* what lease and its slices point into */
    struct msg_lease lease;
    int fd;
    enum courier_state state;
    bool orphan;          /* its store is gone: only what was delivered is still told */
    bool stalled;         /* waits for keyd or the resolver to come back */
    uint64_t call;        /* open question */
    struct chan *call_chan;
    struct msg_keys keys;
    struct msg_keys extra_keys;
    struct buf envelope_plain;
    struct mail_envelope envelope;
    struct courier_recipient *recipient;
    size_t count;
    enum trust_level shown;   /* MEMORY */
    struct buf policy;        /* msg_policy that is kept of the domain; empty: none */
    bool must_ask;            /* MEMORY: the policy is needed, what is at hand will not do */
    int64_t proof_until_us;   /* of the session that was sent on: the certificates' end */
    struct courier_route route;
    struct courier_content content;

    /* WALK */
    size_t host;          /* next */
    size_t address;
    size_t tries;
    bool clear;           /* NOTICE: the next connection does without STARTTLS */
    bool fresh;           /* no reuse of sessions any more */
    struct trust_destination destination;
    struct trust_destination of_host;
    struct trust_notice notice;
    struct trust_verdict verdict;
    enum trust_level proved; /* the best that the domain has shown in this attempt */
    struct buf record;    /* evidence so far */
    size_t record_tries;
    uint16_t record_left_out; /* tries that found no room in it */
    struct courier_session *session;

    /* SEND */
    struct smtp_client_transaction *transaction;
    char envid[ID_TEXT_SIZE]; /* of the transaction, which borrows it */
    size_t batch[SMTP_CLIENT_RECIPIENTS_MAX];
    size_t batch_count;
    struct buf text;      /* NOTICE: the composed mail */
    bool text_utf8;
    bool text_given;

    /* SETTLE */
    enum courier_settle settle;
    struct id evidence_id;
    struct buf evidence;  /* msg_evidence */
    struct buf letters;   /* msg_letter of the next part */
    struct buf results;   /* msg_result of the next part */
    struct buf dsn;       /* msg_message */
    struct buf batch_frame; /* keys of letters or of the dsn */
    struct wire_reader batch_at;
    struct msg_batch_item item;
    size_t next;          /* recipient to settle */
    size_t reports;       /* completions not yet answered */
};

/* A completion until the store has answered it. */
struct courier_report {
    struct list link;
    struct courier *courier;
    struct courier_lease *lease; /* NULL once the lease is gone */
    struct buf payload;
};

struct courier {
    struct role *role;
    const struct conf *conf;
    struct loop *loop;
    struct tls_library *library;
    struct tls_client *tls;
    struct tls_scratch *scratch;
    struct peer_home home; /* loop, tls, scratch and conf for peers */
    struct sealed_field *field;
    struct hmac *sha256;
    struct sealed_writer *writer;
    struct courier_memory *memory;
    struct courier_watch *watch;
    struct courier_tallies *tallies;
    struct courier_tlsrpt *tlsrpt;
    struct chan *store;
    struct chan *keyd;
    struct chan *resolver;
    struct courier_dossiers *dossiers;
    uint64_t epoch;       /* of the store that leased last */
    uint64_t held_epoch;  /* of the store before it, still to be told that nothing more will come */
    bool hold_told;
    struct list leases;
    size_t lease_count;
    struct list reports;
    struct list idle;     /* sessions */
    size_t idle_count;
    struct list sessions; /* all of them */
    struct list dead;     /* leases and sessions to be freed at the end of the turn */
    struct list dead_sessions;
    struct loop_idle *reaper;
    struct loop_timer *retry; /* leases that wait for a peer */
    bool draining;
};

/* Looks whether draining is finished, and whether the earlier store's leases are all at an end. */
void courier_look(struct courier *courier);

/* Frees lease or session at the end of this turn of the loop. */
void courier_bury_lease(struct courier_lease *lease);
/* As courier_bury_lease(). */
void courier_bury_session(struct courier_session *session);

/* Raises an alarm: through the store, which shows it in `sealpost status`; in the log when the store is gone. */
void courier_alarm(struct courier *courier, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The lease waits for a peer that is not there: it is stepped again when one comes, or in a second. */
void courier_stall(struct courier_lease *lease);

/* Asks keyd, store or resolver with an object and its layout; fn as in chan_call(). False when chan is NULL: the
 * lease is stalled. The lease remembers the question and forgets it with courier_lease_answered() or its end. */
bool courier_ask(struct courier_lease *lease, struct chan *chan, uint16_t type, const struct layout *layout,
                 const void *object, chan_answer_fn *fn);

#endif
