/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that never returns NULL, wiping, constant-time comparison, random bytes. */
#include "base/mem.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* Ends the role with one line on stderr, without touching the heap. */
static _Noreturn void mem_die(const char *line)
{
    size_t len = strlen(line);
    if (write(STDERR_FILENO, line, len) < 0)
        abort();
    abort();
}

void *mem_new(size_t size)
{
    return mem_new_array(1, size);
}

void *mem_new_array(size_t count, size_t size)
{
    void *p = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
    if (p == NULL)
        mem_die("mem: out of memory\n");
    return p;
}

void *mem_resize_array(void *p, size_t count, size_t size)
{
    if (count == 0 || size == 0) {
        free(p);
        return NULL;
    }
    void *grown = reallocarray(p, count, size);
    if (grown == NULL)
        mem_die("mem: out of memory\n");
    return grown;
}

char *mem_strdup(const char *s)
{
    return s == NULL ? NULL : mem_strndup(s, strlen(s));
}

char *mem_strndup(const void *data, size_t len)
{
    if (len == SIZE_MAX)
        mem_die("mem: length overflow\n");
    char *copy = mem_new(len + 1);
    if (len > 0)
        memcpy(copy, data, len);
    return copy;
}

void mem_free(void *p)
{
    free(p);
}

void mem_wipe(void *p, size_t size)
{
    if (size > 0)
        explicit_bzero(p, size);
}

void mem_free_secret(void *p, size_t size)
{
    if (p == NULL)
        return;
    mem_wipe(p, size);
    free(p);
}

bool mem_equal_secret(const void *a, const void *b, size_t size)
{
    return size == 0 || CRYPTO_memcmp(a, b, size) == 0;
}

void mem_random(void *p, size_t size)
{
    uint8_t *at = p;
    while (size > 0) {
        ssize_t n = getrandom(at, size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            mem_die("mem: the kernel gives no random bytes\n");
        at += n;
        size -= (size_t)n;
    }
}
