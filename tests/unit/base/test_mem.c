/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation, wiping, comparison; out of memory ends the process with SIGABRT. */
#include "base/mem.h"

#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void copies_and_wipes(void **state)
{
    (void)state;
    char *s = mem_strdup("secret");
    assert_string_equal(s, "secret");
    mem_wipe(s, 3);
    assert_memory_equal(s, "\0\0\0ret", 6);
    mem_free_secret(s, 6);
    assert_null(mem_strdup(NULL));
    s = mem_strndup("abc", 2);
    assert_string_equal(s, "ab");
    s = mem_resize_array(s, 100, 2);
    assert_memory_equal(s, "ab", 2);
    assert_null(mem_resize_array(s, 0, 1));
    mem_wipe(NULL, 0);
    mem_free(NULL);
    mem_free_secret(NULL, 5);
    mem_free(mem_new(0));
}

static void equal_secret(void **state)
{
    (void)state;
    assert_true(mem_equal_secret("abc", "abc", 3));
    assert_false(mem_equal_secret("abc", "abd", 3));
    assert_true(mem_equal_secret(NULL, NULL, 0));
}

static void random_differs(void **state)
{
    (void)state;
    uint8_t a[64] = {0};
    uint8_t b[64] = {0};
    mem_random(a, sizeof(a));
    mem_random(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    mem_random(a, 0);
}

static void out_of_memory_aborts(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        volatile size_t many = SIZE_MAX / 4;
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        mem_free(mem_new_array(many, 8));
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(copies_and_wipes), cmocka_unit_test(equal_secret),
                                       cmocka_unit_test(random_differs), cmocka_unit_test(out_of_memory_aborts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
