/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a sealed message: AWS Encryption SDK message format 2.0, algorithm suite 0x0478 (AES-256-GCM,
 * HKDF-SHA512, key commitment, no signature), framed. Written by keyd alone, once; read by whoever holds keys. The
 * frames behind it are a separate run of bytes (sealed_writer.h, sealed_reader.h); header and frames one behind the
 * other are what the public SDK opens. docs/formats-keys.md draws the bytes. */
#ifndef KEYS_SEALED_HEADER_H
#define KEYS_SEALED_HEADER_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "keys/gcm.h"

#define SEALED_VERSION 2
#define SEALED_ALGORITHM 0x0478
#define SEALED_CONTENT_FRAMED 2
#define SEALED_FRAME_SIZE 16384u      /* plaintext bytes of a frame: what one session holds back */
#define SEALED_FRAMES_MAX 65536u      /* 1 GiB of plaintext: far above any message limit */
#define SEALED_MESSAGE_ID_SIZE 32     /* random, salt of the key derivation */
#define SEALED_COMMITMENT_SIZE 32
#define SEALED_WRAPPED_MAX 4          /* one working key and up to three escrow keys */
#define SEALED_TENANT_MAX 64          /* as MSG_TENANT_MAX */
#define SEALED_HEADER_MAX 4096u       /* as MSG_HEADER_MAX: three escrow keys of 4096 bits fit */
#define SEALED_SCHEMA 1               /* of our own use of the format; bound in the context */

#define SEALED_PROVIDER "sealpost"               /* key namespace of working and day keys (raw AES keyring) */
#define SEALED_PROVIDER_ESCROW "sealpost-escrow" /* key namespace of escrow keys (raw RSA keyring) */

/* One encrypted data key. */
struct sealed_wrapped {
    struct slice provider;
    struct slice info;
    struct slice wrapped;
};

/* A parsed header; every slice points into the bytes it was parsed from. */
struct sealed_header {
    struct slice body;       /* all before the authentication tag: what the tag covers */
    struct slice tag;        /* GCM_TAG_SIZE bytes */
    struct slice context;    /* the serialised context, which binds wrapped keys to tenant and id */
    struct slice message_id; /* SEALED_MESSAGE_ID_SIZE bytes */
    struct slice commitment; /* SEALED_COMMITMENT_SIZE bytes */
    struct slice tenant;
    struct id id;
    uint16_t schema;
    struct sealed_wrapped wrapped[SEALED_WRAPPED_MAX];
    size_t wrapped_count;
};

/* Reads the whole of s as one header. False with a reason on anything else than what Sealpost writes: another suite,
 * version, frame size or content type, foreign or unsorted context, surplus bytes. Nothing is authenticated yet. */
bool sealed_header_parse(struct slice s, struct sealed_header *ret_header, struct err *err);

/* Appends the serialised encryption context: tenant (1 to SEALED_TENANT_MAX bytes), id, schema. */
void sealed_header_put_context(struct buf *b, struct slice tenant, const struct id *id);

/* Appends everything up to and including the number of wrapped keys. */
void sealed_header_put_begin(struct buf *b, const uint8_t message_id[SEALED_MESSAGE_ID_SIZE], struct slice context,
                             size_t wrapped_count);

/* Appends one wrapped data key. */
void sealed_header_put_wrapped(struct buf *b, struct slice provider, struct slice info, struct slice wrapped);

/* Appends what stands behind the wrapped keys, without the tag. */
void sealed_header_put_end(struct buf *b, const uint8_t commitment[SEALED_COMMITMENT_SIZE]);

/* The authentication tag over a header's body. gcm seals and holds the content key. */
void sealed_header_tag(struct gcm *gcm, struct slice body, uint8_t ret_tag[GCM_TAG_SIZE]);

/* True when the tag of the header fits. gcm opens and holds the content key. */
bool sealed_header_check(struct gcm *gcm, const struct sealed_header *header);

#endif
