/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_NOTIFY_H
#define ANKLUME_NOTIFY_H

/* Tell the service manager (sd_notify(3)); does nothing without $NOTIFY_SOCKET. */
void notify_state(const char *state);

#endif
