/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to a mail server, up to the point where trust can judge it: socket, EHLO, STARTTLS, handshake, chain,
 * EHLO again, and the facts that were seen on the way. Couriers send over it, `sealpost explain` looks and says QUIT.
 * It decides nothing and knows no message. */
#ifndef ROLES_PEER_H
#define ROLES_PEER_H

#include "net/tls_client.h"
#include "net/tls_conn.h"
#include "os/conf.h"
#include "os/msg.h"
#include "trust/trust_facts.h"

#define PEER_NAMES_MAX 4u /* host, its alias, the domain of the address, and one to spare */

/* What all connections of a process share. Borrowed; must outlive them. */
struct peer_home {
    struct loop *loop;
    struct tls_scratch *scratch;
    struct tls_client *tls;
    const struct conf *conf; /* port, source addresses, time limits */
};

/* Whom to talk to, and what is known of the host. Copied. */
struct peer_want {
    const char *host;          /* A-label, lower case */
    struct msg_address address;
    const char *helo;
    bool clear;                /* without STARTTLS, for notices */
    enum trust_dns dns;        /* of the host's address questions */
    bool dns_secure;
    enum trust_tlsa_state tlsa; /* USABLE: there are records; whether they can be used is found here */
    const char *tlsa_base;     /* NULL: none */
    struct slice tlsa_records; /* msg_tlsa, one behind another; at most TRUST_DANE_RECORDS_MAX are compared */
    const char *const *names;  /* names a usage-2 certificate may show: host, its alias, domain (RFC 7672 3.2.3) */
    size_t name_count;
    enum trust_profile profile;
};

struct peer;

struct peer_ops {
    /* The facts are complete: ready, no STARTTLS where none is wanted or offered, or over. Called once, from the loop. */
    void (*settled)(void *ctx);
    /* Something moved on after that: replies came, output drained, or the connection ended. May be NULL. */
    void (*moved)(void *ctx);
};

/* Connects. Always gives a peer; failures are facts, told by settled() from the loop, never from inside this call. */
struct peer *peer_open(const struct peer_home *home, const struct peer_want *want, const struct peer_ops *ops, void *ctx);

/* What the TLSA facts are worth before anything was tried: state, or UNUSABLE instead of USABLE when no record can be
 * used. For trust_verdict_host(). */
enum trust_tlsa_state peer_tlsa_worth(enum trust_tlsa_state state, struct slice tlsa_records);

/* What was seen. The owner may set dns, dns_secure, sts_match and pin anew before it is judged for another domain. */
struct trust_session *peer_facts(struct peer *peer);

/* Our address of the connection as text; empty when it is not known. */
const char *peer_local(const struct peer *peer);

/* True once the facts are complete. */
bool peer_is_settled(const struct peer *peer);

/* The protocol side, for transactions and QUIT; NULL before the socket was connected. */
struct smtp_client_connection *peer_smtp(struct peer *peer);

/* True while bytes can be exchanged. */
bool peer_is_open(const struct peer *peer);

/* Asks the same connection about another domain that names the same host: the facts that depend on the domain (DNS state,
 * TLSA and what the chain is worth by it) are set from want; sts_match and pin are cleared for the owner to set. Everything
 * else in want is ignored. Only while it is open. */
void peer_ask_again(struct peer *peer, const struct peer_want *want);

/* The peer was proved: its TLS session may be resumed by a later connection, which is judged by itself. */
void peer_proved(struct peer *peer);

/* Nobody needs the connection now: after rest_us without use it says goodbye by itself. 0: it is needed again. */
void peer_rest(struct peer *peer, int64_t rest_us);

/* Sends what the protocol side has to say. After a transaction was started, or QUIT. */
void peer_pump(struct peer *peer);

/* Says QUIT and ends within a second; moved() follows when it is over. Nothing happens when it is not open. */
void peer_goodbye(struct peer *peer);

/* Frees at once, whatever the state. *peer becomes NULL; NULL is accepted. Not from inside a callback. */
void peer_free(struct peer **peer);

#endif
