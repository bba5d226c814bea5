/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "notify.h"

#if HAVE_SYSTEMD
#include <systemd/sd-daemon.h>

void notify_state(const char *state)
{
	sd_notify(0, state);
}
#else
void notify_state(const char *state)
{
	(void)state;
}
#endif
