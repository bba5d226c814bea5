/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "successor.h"

#include "daemon.h"
#include "keep.h"

void successor_endow(void *data)
{
	struct daemon *d = data;

	keep_all(&d->fs);
	proven_keep(&d->proven);
}

void successor_offer(void *data)
{
	struct daemon *d = data;

	keep_copies(&d->fs);
	proven_keep(&d->proven);
	holder_keep(&d->holder);
}

void successor_disown(void *data)
{
	struct daemon *d = data;

	keep_nothing(&d->fs);
	proven_forget();
}
