/* SPDX-License-Identifier: Apache-2.0 */
/* Slow clients (row 8), against an intake whose patience is compiled to a second or two. */
#include "unit.h"

#include <signal.h>
#include <unistd.h>

#include "intake_stage.h"
#include "roles/intake.h"

static int setup(void **state)
{
    *state = NULL;
    if (geteuid() != 0) {
        print_message("SKIPPED LOUDLY: the live intake needs root to take its own user id\n");
        return 0;
    }
    struct stage *stage = mem_new(sizeof(*stage));
    stage_start(stage, 4, 1);
    *state = stage;
    return 0;
}

static int teardown(void **state)
{
    if (*state == NULL)
        return 0;
    stage_finish(*state);
    mem_free(*state);
    return 0;
}

static struct stage_client *known(struct stage *s, unsigned number)
{
    struct stage_client *c = stage_connect(s, number, STAGE_TLS);
    stage_hear(c, "220");
    stage_ask(c, "EHLO c\r\nAUTH PLAIN AGFwcABzZWNyZXQ=\r\n", "250\n235");
    return c;
}

/* Says bytes every quarter of a second until the connection ends; the last line heard is a 421. */
static void drip(struct stage *s, struct stage_client *c, const char *bytes)
{
    char text[2048] = "";
    for (int i = 0; i < 40 && !c->closed; i++) {
        stage_say(c, slice_str(bytes));
        stage_pause(s, 250000);
    }
    assert_true(c->closed);
    while (slice_find(buf_slice(&c->got), 0, '\n') < c->got.len)
        stage_line(c, text);
    assert_memory_equal(text, "421 4.4.2", 9);
}

static void row_8_silent_strangers_are_told_421(void **state)
{
    struct stage *s = *state;
    if (s == NULL)
        skip();
    struct stage_client *clear = stage_connect(s, 0, STAGE_STARTTLS);
    struct stage_client *inside = stage_connect(s, 1, STAGE_TLS);
    stage_hear(clear, "220\n421 4.4.2 you took too long");
    stage_hear(inside, "220\n421 4.4.2 you took too long");
    stage_ended(clear);
    stage_ended(inside);
}

static void row_8_talking_does_not_help_a_stranger(void **state)
{
    struct stage *s = *state;
    if (s == NULL)
        skip();
    struct stage_client *c = stage_connect(s, 0, STAGE_TLS);
    drip(s, c, "NOOP\r\n");
}

static void row_8_an_idle_client_is_told_421(void **state)
{
    struct stage *s = *state;
    if (s == NULL)
        skip();
    struct stage_client *c = known(s, 0);
    stage_hear(c, "421 4.4.2 you took too long");
    stage_ended(c);
}

static void row_8_a_message_that_never_ends_is_cut(void **state)
{
    struct stage *s = *state;
    if (s == NULL)
        skip();
    struct stage_client *c = known(s, 0);
    stage_ask(c, "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@z.example>\r\nDATA\r\n", "250\n250\n354");
    drip(s, c, "X: y\r\n");
    assert_int_equal(s->commits, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(row_8_silent_strangers_are_told_421),
        CASE(row_8_talking_does_not_help_a_stranger),
        CASE(row_8_an_idle_client_is_told_421),
        CASE(row_8_a_message_that_never_ends_is_cut),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
