/* SPDX-License-Identifier: Apache-2.0 */
/* What the connection and its transaction share. Included by smtp_client_*.c only. */
#ifndef SMTP_SMTP_CLIENT_INTERNAL_H
#define SMTP_SMTP_CLIENT_INTERNAL_H

#include "smtp/smtp_client_connection.h"

struct smtp_client_transaction;

/* Bytes put together before they are handed out: one TLS record (RFC 8446 5.1). */
#define SMTP_CLIENT_RECORD ((size_t)16384)
/* The most that commands may add beyond one record: one RCPT with all its parameters. */
#define SMTP_CLIENT_OUT_MAX (SMTP_CLIENT_RECORD * 2)

struct smtp_client_connection {
    enum smtp_client_state state;
    enum smtp_client_stage stage;
    enum smtp_client_fault fault;
    bool tls;
    uint64_t serial;
    char *helo;
    struct smtp_client_caps caps;
    struct smtp_reply reply;
    struct smtp_reply refusal;
    struct buf out;      /* secret: it may hold content */
    size_t out_sent;
    struct slice direct; /* content handed out in place, behind `out` */
    struct smtp_client_transaction *transaction;
};

/* The one function that changes the state. */
void smtp_client_connection_go(struct smtp_client_connection *conn, enum smtp_client_state state,
                               enum smtp_client_stage stage);

/* Ends the connection with a fault at the present stage, and the transaction with it. */
void smtp_client_connection_end(struct smtp_client_connection *conn, enum smtp_client_fault fault);

/* Ends the connection with the reply just read as the reason. */
void smtp_client_connection_refuse(struct smtp_client_connection *conn);

/* The transaction is over; reset says that the peer must be told to forget it. */
void smtp_client_connection_release(struct smtp_client_connection *conn, bool reset);

/* A whole reply arrived for the transaction. */
void smtp_client_transaction_reply(struct smtp_client_transaction *transaction, const struct smtp_reply *reply);

/* Puts what may be sent now into conn->out and conn->direct. */
void smtp_client_transaction_pump(struct smtp_client_transaction *transaction);

/* Everything handed out so far was sent. */
void smtp_client_transaction_drained(struct smtp_client_transaction *transaction);

/* The connection ended with conn->fault. */
void smtp_client_transaction_broken(struct smtp_client_transaction *transaction);

#endif
