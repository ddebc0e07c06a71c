/* SPDX-License-Identifier: Apache-2.0 */
/* SCRAM messages. */
#include "keys/scram_server.h"

#include "base/codec.h"
#include "base/mem.h"

#define NONCE_BYTES 18
#define NONCE_MAX 512 /* of the client's part: more is no nonce */

/* START -> scram_server_first() -> NAMED -> scram_server_challenge() -> ASKED -> scram_server_final() -> OVER. A call out
 * of order and any fault lead to OVER. */
enum step { STEP_START, STEP_NAMED, STEP_ASKED, STEP_OVER };

struct scram_server {
    enum step step;
    bool plus;
    bool plus_offered;
    enum scram_binding binding;
    struct buf own;         /* our part of the nonce */
    struct buf gs2;         /* gs2-header, as the client must repeat it */
    struct buf user;
    struct buf nonce;       /* both parts */
    struct buf first_bare;  /* client-first-message-bare */
    struct buf challenge;   /* server-first-message */
};

struct scram_server *scram_server_create(bool plus, bool plus_offered, struct slice nonce)
{
    struct scram_server *server = mem_new(sizeof(*server));
    server->plus = plus;
    server->plus_offered = plus_offered;
    buf_init(&server->own, NONCE_MAX);
    buf_init(&server->gs2, SCRAM_MESSAGE_MAX);
    buf_init(&server->user, SCRAM_USER_MAX);
    buf_init(&server->nonce, 2 * NONCE_MAX);
    buf_init(&server->first_bare, SCRAM_MESSAGE_MAX);
    buf_init(&server->challenge, SCRAM_MESSAGE_MAX);
    if (nonce.len > 0) {
        buf_append_slice(&server->own, nonce);
    } else {
        uint8_t random[NONCE_BYTES];
        mem_random(random, sizeof(random));
        codec_base64(&server->own, slice_of(random, sizeof(random)));
    }
    return server;
}

void scram_server_free(struct scram_server **server)
{
    if (server == NULL || *server == NULL)
        return;
    buf_free(&(*server)->own);
    buf_free(&(*server)->gs2);
    buf_free(&(*server)->user);
    buf_free(&(*server)->nonce);
    buf_free(&(*server)->first_bare);
    buf_free(&(*server)->challenge);
    mem_free(*server);
    *server = NULL;
}

/* Cuts what stands before the next comma off rest; false when there is no comma. */
static bool cut(struct slice *rest, struct slice *ret_part)
{
    size_t comma = slice_find(*rest, 0, ',');
    if (comma == rest->len)
        return false;
    *ret_part = slice_sub(*rest, 0, comma);
    *rest = slice_sub(*rest, comma + 1, rest->len);
    return true;
}

/* Appends a saslname decoded ("=2C" comma, "=3D" equals sign). */
static bool decode_name(struct slice text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        if (byte < 0x20 || byte == 0x7f)
            return false;
        if (byte == '=') {
            struct slice code = slice_sub(text, i, 3);
            if (!slice_eq(code, SLICE_LIT("=2C")) && !slice_eq(code, SLICE_LIT("=3D")))
                return false;
            byte = code.data[2] == 'C' ? ',' : '=';
            i += 2;
        }
        if (!buf_append_byte(out, byte))
            return false;
    }
    return text.len > 0;
}

/* gs2-cbind-flag: "n", "y" or "p=name". */
static bool take_flag(struct scram_server *server, struct slice flag, struct err *err)
{
    if (slice_eq(flag, SLICE_LIT("n")))
        return !server->plus || err_set(err, "SCRAM-SHA-256-PLUS needs a channel binding");
    if (slice_eq(flag, SLICE_LIT("y"))) {
        if (server->plus)
            return err_set(err, "SCRAM-SHA-256-PLUS needs a channel binding");
        return !server->plus_offered || err_set(err, "channel binding is offered here: somebody took it out of the list");
    }
    if (!server->plus)
        return err_set(err, "a channel binding needs SCRAM-SHA-256-PLUS");
    if (slice_eq(flag, SLICE_LIT("p=tls-exporter")))
        server->binding = SCRAM_BINDING_EXPORTER;
    else if (slice_eq(flag, SLICE_LIT("p=tls-server-end-point")))
        server->binding = SCRAM_BINDING_END_POINT;
    else
        return err_set(err, "channel binding of that kind is not supported");
    return true;
}

/* "a=" and a name that must be the user's own, or nothing (libgsasl writes "a=" for nothing). */
static bool check_authzid(const struct scram_server *server, struct slice text)
{
    struct buf name;
    if (text.len == 0 || slice_eq(text, SLICE_LIT("a=")))
        return true;
    buf_init(&name, SCRAM_USER_MAX);
    bool ok = slice_starts(text, SLICE_LIT("a=")) && decode_name(slice_sub(text, 2, text.len), &name) &&
              slice_eq(buf_slice(&name), buf_slice(&server->user));
    buf_free(&name);
    return ok;
}

static bool nonce_ok(struct slice nonce)
{
    for (size_t i = 0; i < nonce.len; i++)
        if (nonce.data[i] < 0x21 || nonce.data[i] > 0x7e || nonce.data[i] == ',')
            return false;
    return nonce.len > 0 && nonce.len <= NONCE_MAX;
}

/* client-first-message-bare: "n=user,r=nonce" and extensions, which are ignored. */
static bool take_bare(struct scram_server *server, struct slice bare)
{
    struct slice rest = bare;
    struct slice user;
    if (!cut(&rest, &user) || !slice_starts(user, SLICE_LIT("n=")))
        return false;
    if (!decode_name(slice_sub(user, 2, user.len), &server->user))
        return false;
    struct slice nonce = slice_sub(rest, 0, slice_find(rest, 0, ','));
    if (!slice_starts(nonce, SLICE_LIT("r=")) || !nonce_ok(slice_sub(nonce, 2, nonce.len)))
        return false;
    return buf_append_slice(&server->nonce, slice_sub(nonce, 2, nonce.len)) &&
           buf_append_slice(&server->nonce, buf_slice(&server->own)) && buf_append_slice(&server->first_bare, bare);
}

bool scram_server_first(struct scram_server *server, struct slice message, struct err *err)
{
    struct slice rest = message;
    struct slice flag;
    struct slice authzid;
    enum step step = server->step;
    server->step = STEP_OVER;
    if (step != STEP_START || message.len > SCRAM_MESSAGE_MAX)
        return err_set(err, "SCRAM message out of order or too long");
    if (!cut(&rest, &flag) || !cut(&rest, &authzid))
        return err_set(err, "malformed SCRAM client-first message");
    if (!take_flag(server, flag, err))
        return false;
    if (slice_starts(rest, SLICE_LIT("m=")))
        return err_set(err, "SCRAM extension not supported");
    if (!take_bare(server, rest))
        return err_set(err, "malformed SCRAM client-first message");
    if (!check_authzid(server, authzid))
        return err_set(err, "acting for another user is not supported");
    buf_append_slice(&server->gs2, slice_sub(message, 0, message.len - rest.len));
    server->step = STEP_NAMED;
    return true;
}

struct slice scram_server_user(const struct scram_server *server)
{
    return buf_slice(&server->user);
}

enum scram_binding scram_server_binding(const struct scram_server *server)
{
    return server->binding;
}

bool scram_server_challenge(struct scram_server *server, struct slice salt, uint32_t iterations, struct buf *out)
{
    struct buf *b = &server->challenge;
    bool ok = server->step == STEP_NAMED;
    buf_append_str(b, "r=");
    buf_append_slice(b, buf_slice(&server->nonce));
    buf_append_str(b, ",s=");
    codec_base64(b, salt);
    buf_printf(b, ",i=%u", iterations);
    ok = ok && buf_ok(b) && buf_append_slice(out, buf_slice(b));
    server->step = ok ? STEP_ASKED : STEP_OVER;
    return ok;
}

/* The "c=" field must be base64 of the gs2-header and the channel's data. */
static bool binding_fits(const struct scram_server *server, struct slice field, struct slice binding)
{
    struct buf said;
    buf_init(&said, SCRAM_MESSAGE_MAX);
    struct slice header = buf_slice(&server->gs2);
    bool ok = codec_unbase64(&said, field) && said.len == header.len + binding.len;
    ok = ok && slice_starts(buf_slice(&said), header);
    ok = ok && (binding.len == 0 || mem_equal_secret(said.data + header.len, binding.data, binding.len));
    ok = ok && (server->binding == SCRAM_BINDING_NONE) == (binding.len == 0);
    buf_free(&said);
    return ok;
}

static bool decode_proof(struct slice field, uint8_t ret_proof[SCRAM_HASH_SIZE])
{
    struct buf proof;
    buf_init(&proof, 2 * SCRAM_HASH_SIZE);
    bool ok = codec_unbase64(&proof, field) && proof.len == SCRAM_HASH_SIZE;
    if (ok)
        memcpy(ret_proof, proof.data, SCRAM_HASH_SIZE);
    buf_free(&proof);
    return ok;
}

bool scram_server_final(struct scram_server *server, struct slice message, struct slice binding,
                        struct buf *ret_auth_message, uint8_t ret_proof[SCRAM_HASH_SIZE], struct err *err)
{
    struct slice rest = message;
    struct slice channel;
    struct slice proof = message;
    enum step step = server->step;
    server->step = STEP_OVER;
    if (step != STEP_ASKED || message.len > SCRAM_MESSAGE_MAX)
        return err_set(err, "SCRAM message out of order or too long");
    /* The proof is the last field; everything before its comma is signed. */
    while (proof.len > 0 && slice_find(proof, 0, ',') < proof.len)
        proof = slice_sub(proof, slice_find(proof, 0, ',') + 1, proof.len);
    if (!cut(&rest, &channel) || !slice_starts(channel, SLICE_LIT("c=")) || !slice_starts(proof, SLICE_LIT("p=")) ||
        !decode_proof(slice_sub(proof, 2, proof.len), ret_proof))
        return err_set(err, "malformed SCRAM client-final message");
    struct slice nonce = slice_sub(rest, 0, slice_find(rest, 0, ','));
    if (!slice_starts(nonce, SLICE_LIT("r=")) || !slice_eq(slice_sub(nonce, 2, nonce.len), buf_slice(&server->nonce)))
        return err_set(err, "the SCRAM nonce is not the one sent");
    if (!binding_fits(server, slice_sub(channel, 2, channel.len), binding))
        return err_set(err, "the SCRAM channel binding is not this connection's");
    buf_append_slice(ret_auth_message, buf_slice(&server->first_bare));
    buf_append_byte(ret_auth_message, ',');
    buf_append_slice(ret_auth_message, buf_slice(&server->challenge));
    buf_append_byte(ret_auth_message, ',');
    buf_append_slice(ret_auth_message, slice_sub(message, 0, message.len - proof.len - 1));
    return buf_ok(ret_auth_message) || err_set(err, "the SCRAM messages are too long");
}

bool scram_server_end(struct slice signature, struct buf *out)
{
    return buf_append_str(out, "v=") && codec_base64(out, signature);
}
