/* SPDX-License-Identifier: Apache-2.0 */
/* Layout tables of the messages of the supervisor with its roles, and what all share. Limits are those of msg.h. */
#include "os/msg.h"

static const struct layout_field msg_status_fields[] = {
    LAYOUT_F(U8, struct msg_status, code),
    LAYOUT_B(struct msg_status, text, MSG_TEXT_MAX),
};
LAYOUT_DEFINE(msg_status_layout, struct msg_status, msg_status_fields);

static const struct layout_field msg_text_fields[] = {
    LAYOUT_B(struct msg_text, text, MSG_TEXT_MAX),
};
LAYOUT_DEFINE(msg_text_layout, struct msg_text, msg_text_fields);

static const struct layout_field msg_conf_fields[] = {
    LAYOUT_B(struct msg_conf, name, MSG_PATH_MAX),
    LAYOUT_B(struct msg_conf, text, MSG_CONF_MAX),
};
LAYOUT_DEFINE(msg_conf_layout, struct msg_conf, msg_conf_fields);

static const struct layout_field msg_boot_fields[] = {
    LAYOUT_F(U8, struct msg_boot, kind),
    LAYOUT_F(U32, struct msg_boot, index),
    LAYOUT_F(U64, struct msg_boot, epoch),
    LAYOUT_B(struct msg_boot, counts, MSG_COUNTS_MAX),
    LAYOUT_B(struct msg_boot, name, MSG_PATH_MAX),
    LAYOUT_B(struct msg_boot, text, MSG_CONF_MAX),
};
LAYOUT_DEFINE(msg_boot_layout, struct msg_boot, msg_boot_fields);

static const struct layout_field msg_fd_fields[] = {
    LAYOUT_F(U8, struct msg_fd, what),
    LAYOUT_F(U32, struct msg_fd, index),
};
LAYOUT_DEFINE(msg_fd_layout, struct msg_fd, msg_fd_fields);

static const struct layout_field msg_peer_fields[] = {
    LAYOUT_F(U8, struct msg_peer, kind),
    LAYOUT_F(U32, struct msg_peer, index),
};
LAYOUT_DEFINE(msg_peer_layout, struct msg_peer, msg_peer_fields);
