/* SPDX-License-Identifier: Apache-2.0 */
/* Memory. Out of memory ends the role (abort with one line on stderr): a role that dies is restarted and loses
 * nothing, a half-built state may lose mail. Everything that grows with input goes through buf or a limit. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed memory for one object; never NULL. Freed with mem_free(). */
void *mem_new(size_t size);

/* Zeroed memory for count objects of size bytes, checked for overflow; never NULL. */
void *mem_new_array(size_t count, size_t size);

/* Grows or shrinks an array to count elements; new elements are not initialised; never NULL for count > 0. */
void *mem_resize_array(void *p, size_t count, size_t size);

/* A copy of a NUL-terminated string; never NULL; NULL in gives NULL out. */
char *mem_strdup(const char *s);

/* A NUL-terminated copy of len bytes; never NULL. */
char *mem_strndup(const void *data, size_t len);

/* free(); accepts NULL. */
void mem_free(void *p);

/* Wipes size bytes in a way the compiler cannot remove; p may be NULL when size is 0. */
void mem_wipe(void *p, size_t size);

/* Wipes, then frees. Accepts NULL. */
void mem_free_secret(void *p, size_t size);

/* Compares size bytes in time that depends on size alone. */
bool mem_equal_secret(const void *a, const void *b, size_t size);

/* Fills size bytes from the kernel's generator; ends the role when the kernel cannot. */
void mem_random(void *p, size_t size);

#endif
