/* SPDX-License-Identifier: Apache-2.0 */
/* Test builds only (meson option `probe`): a live role tries from inside its sandbox what it must not be able to do, and
 * logs what became of each try. What is tried, and the controls that show each try succeed without the sandbox, are
 * said in the environment; no other build reads it. */
#ifndef OS_ROLE_PROBE_H
#define OS_ROLE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "os/log.h"

/* SEALPOST_PROBE_NO_SANDBOX=1: the control. The role runs as it is. */
bool role_probe_without(void);

/* SEALPOST_PROBE_ROOT=1: with the control, roles keep root's user id, so that user ids stop nothing either. */
bool role_probe_as_root(void);

/* SEALPOST_PROBE_ABI: cap on the Landlock ABI, 0: none. */
uint32_t role_probe_abi(void);

/* Tries each line of SEALPOST_PROBE_TRIES (words of sandbox_probe()) and logs "probe TRY: passed" or "refused". */
void role_probe_run(const struct log *log);

#endif
