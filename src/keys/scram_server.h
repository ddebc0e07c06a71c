/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of a SCRAM-SHA-256 or SCRAM-SHA-256-PLUS conversation (RFC 5802 section 7): parsing of what the
 * client says, the channel binding, the messages in answer. Holds no secret: salt and verdict come from keyd. */
#ifndef KEYS_SCRAM_SERVER_H
#define KEYS_SCRAM_SERVER_H

#include "base/buf.h"
#include "base/err.h"
#include "keys/scram.h"

#define SCRAM_MESSAGE_MAX 2048u /* bytes of one client message, decoded: AUTH lines are no longer (RFC 4954) */
#define SCRAM_USER_MAX 255u     /* bytes of a user name, as MSG_NAME_MAX */
#define SCRAM_AUTH_MESSAGE_MAX (3u * SCRAM_MESSAGE_MAX)

/* What the client binds the exchange to. */
enum scram_binding {
    SCRAM_BINDING_NONE,      /* SCRAM-SHA-256 without -PLUS */
    SCRAM_BINDING_EXPORTER,  /* tls-exporter, RFC 9266: SSL_export_keying_material("EXPORTER-Channel-Binding"), 32 bytes */
    SCRAM_BINDING_END_POINT, /* tls-server-end-point, RFC 5929: hash of our certificate */
};

struct scram_server;

/* A conversation. plus: the client chose SCRAM-SHA-256-PLUS; plus_offered: we had offered it on this connection. nonce
 * is our part of the nonce, printable without comma; empty (the rule): a random one is made. */
struct scram_server *scram_server_create(bool plus, bool plus_offered, struct slice nonce);

/* Wipes and frees; accepts NULL and a NULL conversation. */
void scram_server_free(struct scram_server **server);

/* Takes client-first-message. False with a reason on any fault: syntax, an authorisation identity that is not the user,
 * a mandatory extension, a binding that does not fit the mechanism, a sign of downgrade ('y' though we offer -PLUS). */
bool scram_server_first(struct scram_server *server, struct slice message, struct err *err);

/* The user's name after scram_server_first(); lives as long as the conversation. */
struct slice scram_server_user(const struct scram_server *server);

/* The binding the client announced in scram_server_first(). */
enum scram_binding scram_server_binding(const struct scram_server *server);

/* Appends server-first-message with the salt and iterations of that user. */
bool scram_server_challenge(struct scram_server *server, struct slice salt, uint32_t iterations, struct buf *out);

/* Takes client-final-message; binding is the channel's data for scram_server_binding() (empty for NONE). Appends the
 * AuthMessage to ret_auth_message and gives the proof. False with a reason on syntax, a foreign nonce, or a binding that
 * is not this channel's. */
bool scram_server_final(struct scram_server *server, struct slice message, struct slice binding,
                        struct buf *ret_auth_message, uint8_t ret_proof[SCRAM_HASH_SIZE], struct err *err);

/* Appends server-final-message, "v=" and the signature in base64. */
bool scram_server_end(struct slice signature, struct buf *out);

#endif
