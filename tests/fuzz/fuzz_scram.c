/* SPDX-License-Identifier: Apache-2.0 */
/* A SCRAM conversation: the first byte picks mechanism and offer, then the client's first message, a line feed, and its
 * final message. No fault of syntax gets past; whatever gets through has a user's name and repeats the nonce. */
#include <stdlib.h>

#include "keys/scram_server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t proof[SCRAM_HASH_SIZE];
    struct buf out, auth;
    if (size == 0)
        return 0;
    struct slice text = slice_of(data + 1, size - 1);
    size_t cut = slice_find(text, 0, '\n');
    struct slice final = slice_sub(text, cut + 1, text.len);
    struct scram_server *server = scram_server_create((data[0] & 1) != 0, (data[0] & 2) != 0, SLICE_LIT("nonce"));
    buf_init(&out, SCRAM_MESSAGE_MAX);
    buf_init(&auth, SCRAM_AUTH_MESSAGE_MAX);
    if (scram_server_first(server, slice_sub(text, 0, cut), NULL)) {
        struct slice binding =
            scram_server_binding(server) == SCRAM_BINDING_NONE ? SLICE_EMPTY : SLICE_LIT("channel");
        if (scram_server_user(server).len == 0 || scram_server_user(server).len > SCRAM_USER_MAX)
            abort();
        if (scram_server_challenge(server, SLICE_LIT("0123456789abcdef"), 4096, &out) &&
            scram_server_final(server, final, binding, &auth, proof, NULL) && auth.len < out.len)
            abort();
    }
    scram_server_free(&server);
    buf_free(&out);
    buf_free(&auth);
    return 0;
}
