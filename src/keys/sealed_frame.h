/* SPDX-License-Identifier: Apache-2.0 */
/* One frame of a sealed message: its bytes, its nonce (the sequence number) and its additional data. Shared by writer
 * and reader, nobody else includes it. A frame is: [FFFFFFFF] sequence(4) iv(12) [length(4)] ciphertext tag(16); the
 * parts in brackets stand in the final frame only, a regular one is always full. */
#ifndef KEYS_SEALED_FRAME_H
#define KEYS_SEALED_FRAME_H

#include "keys/sealed_header.h"

#define SEALED_FRAME_FINAL_MARK 0xffffffffu
#define SEALED_FRAME_HEAD (4 + GCM_IV_SIZE)           /* bytes before the ciphertext of a regular frame */
#define SEALED_FRAME_FINAL_HEAD (4 + 4 + GCM_IV_SIZE + 4)
#define SEALED_FRAME_BYTES (SEALED_FRAME_HEAD + SEALED_FRAME_SIZE + GCM_TAG_SIZE) /* of a regular frame */

/* What a frame is bound to. */
struct sealed_frame {
    const uint8_t *message_id; /* SEALED_MESSAGE_ID_SIZE bytes */
    uint32_t sequence;         /* from 1 */
    bool final;
};

/* Nonce of a frame: its sequence number, so that no two frames under one key share it (the header has number 0). */
void sealed_frame_iv(const struct sealed_frame *frame, uint8_t ret_iv[GCM_IV_SIZE]);

/* Seals plain to out (plain.len bytes, not the same memory) and its tag. gcm seals and holds the content key. */
void sealed_frame_seal(struct gcm *gcm, const struct sealed_frame *frame, struct slice plain, uint8_t *out,
                       uint8_t ret_tag[GCM_TAG_SIZE]);

/* Opens sealed to out; false when it was changed, moved or cut: out is then wiped. gcm opens and holds the key. */
bool sealed_frame_open(struct gcm *gcm, const struct sealed_frame *frame, struct slice sealed,
                       const uint8_t tag[GCM_TAG_SIZE], uint8_t *out);

#endif
