/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and opening of one frame. The test build SEALPOST_HOLE_SEAL writes content as it is, here and nowhere else,
 * so that the search for leaked content can be seen to find it. */
#include "keys/sealed_frame.h"

#define AAD_MAX (SEALED_MESSAGE_ID_SIZE + 40 + 4 + 8)

static uint8_t *put(uint8_t *at, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++)
        at[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    return at + width;
}

void sealed_frame_iv(const struct sealed_frame *frame, uint8_t ret_iv[GCM_IV_SIZE])
{
    put(put(ret_iv, 0, GCM_IV_SIZE - 4), frame->sequence, 4);
}

#ifndef SEALPOST_HOLE_SEAL
/* Message id, a text that tells final from regular frames, number, length. */
static struct slice aad_of(const struct sealed_frame *frame, size_t len, uint8_t out[AAD_MAX])
{
    struct slice text =
        frame->final ? SLICE_LIT("AWSKMSEncryptionClient Final Frame") : SLICE_LIT("AWSKMSEncryptionClient Frame");
    uint8_t *at = out;
    memcpy(at, frame->message_id, SEALED_MESSAGE_ID_SIZE);
    at += SEALED_MESSAGE_ID_SIZE;
    memcpy(at, text.data, text.len);
    at += text.len;
    at = put(at, frame->sequence, 4);
    at = put(at, len, 8);
    return slice_of(out, (size_t)(at - out));
}
#endif

void sealed_frame_seal(struct gcm *gcm, const struct sealed_frame *frame, struct slice plain, uint8_t *out,
                       uint8_t ret_tag[GCM_TAG_SIZE])
{
#ifdef SEALPOST_HOLE_SEAL
    (void)gcm;
    (void)frame;
    if (plain.len > 0)
        memcpy(out, plain.data, plain.len);
    memset(ret_tag, 0, GCM_TAG_SIZE);
#else
    uint8_t iv[GCM_IV_SIZE];
    uint8_t aad[AAD_MAX];
    sealed_frame_iv(frame, iv);
    gcm_seal(gcm, iv, aad_of(frame, plain.len, aad), plain, out, ret_tag);
#endif
}

bool sealed_frame_open(struct gcm *gcm, const struct sealed_frame *frame, struct slice sealed,
                       const uint8_t tag[GCM_TAG_SIZE], uint8_t *out)
{
#ifdef SEALPOST_HOLE_SEAL
    (void)gcm;
    (void)frame;
    (void)tag;
    if (sealed.len > 0)
        memcpy(out, sealed.data, sealed.len);
    return true;
#else
    uint8_t iv[GCM_IV_SIZE];
    uint8_t aad[AAD_MAX];
    sealed_frame_iv(frame, iv);
    return gcm_open(gcm, iv, aad_of(frame, sealed.len, aad), sealed, tag, out);
#endif
}
