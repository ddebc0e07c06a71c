/* SPDX-License-Identifier: Apache-2.0 */
/* Writes one sealed message with everything a stranger needs to open it, into an empty directory:
 * seal_sample DIR BYTES. Files: message (header and frames), plain, id, aes.key, aes.name, escrow.pem, escrow.name. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "keys/sealed_maker.h"
#include "keys/sealed_writer.h"

#define MESSAGE_MAX (64u << 20)
#define KEY_NAME "work.default.2026-11-24"

static bool save(const char *dir, const char *name, struct slice bytes)
{
    char path[4096];
    int len = snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (len < 0 || (size_t)len >= sizeof(path))
        return false;
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return false;
    bool ok = bytes.len == 0 || fwrite(bytes.data, 1, bytes.len, file) == bytes.len;
    return fclose(file) == 0 && ok;
}

static bool seal(const struct id *id, const struct key *wrapping, struct escrow *escrow, struct slice plain,
                 struct buf *message, struct err *err)
{
    struct key content, field;
    struct tag tail;
    struct sealed_maker *maker = sealed_maker_create(SLICE_LIT(KEY_NAME), wrapping, escrow);
    struct sealed_writer *writer = sealed_writer_create();
    bool ok = sealed_maker_make(maker, SLICE_LIT("default"), id, clock_wait_us(), message, &content, &field, err);
    ok = ok && sealed_writer_start(writer, buf_slice(message), &content, err);
    for (size_t at = 0; ok && at < plain.len; at += 3000)
        ok = sealed_writer_update(writer, slice_sub(plain, at, 3000), message);
    ok = ok && sealed_writer_finish(writer, message, &tail);
    sealed_writer_free(&writer);
    sealed_maker_free(&maker);
    return ok;
}

static bool sample(const char *dir, size_t size, struct err *err)
{
    struct buf private, public, plain, message;
    struct id id = id_make(clock_utc_us());
    struct key wrapping;
    char text[ID_TEXT_SIZE];
    buf_init_secret(&private, 8192);
    buf_init(&public, 8192);
    buf_init(&plain, MESSAGE_MAX);
    buf_init(&message, MESSAGE_MAX);
    mem_random(&wrapping, sizeof(wrapping));
    for (size_t i = 0; i < size; i++)
        buf_append_byte(&plain, (uint8_t)(i % 253));
    id_text(&id, text);
    struct escrow *escrow = escrow_create();
    bool ok = escrow_generate(&private, &public, err) && escrow_add_pem(escrow, buf_slice(&public), "escrow", err);
    ok = ok && seal(&id, &wrapping, escrow, buf_slice(&plain), &message, err);
    ok = ok && save(dir, "message", buf_slice(&message)) && save(dir, "plain", buf_slice(&plain));
    ok = ok && save(dir, "aes.key", slice_of(wrapping.b, KEY_SIZE)) && save(dir, "aes.name", SLICE_LIT(KEY_NAME));
    ok = ok && save(dir, "escrow.pem", buf_slice(&private)) && save(dir, "escrow.name", slice_str(escrow_name(escrow, 0)));
    ok = ok && save(dir, "id", slice_str(text));
    escrow_free(&escrow);
    buf_free(&private);
    buf_free(&public);
    buf_free(&plain);
    buf_free(&message);
    return ok;
}

int main(int argc, char **argv)
{
    struct err err = {"a file cannot be written"};
    uint64_t size = 0;
    if (argc != 3 || !slice_u64(slice_str(argv[2]), MESSAGE_MAX / 2, &size)) {
        fprintf(stderr, "usage: seal_sample DIR BYTES\n");
        return 2;
    }
    if (!sample(argv[1], (size_t)size, &err)) {
        fprintf(stderr, "seal_sample: %s\n", err.text);
        return 1;
    }
    return 0;
}
