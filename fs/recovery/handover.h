/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_HANDOVER_H
#define ANKLUME_HANDOVER_H

/*
 * Another executable takes over on purpose. Nothing is under way; the new executable is asked
 * first whether it can (as a child, on a private copy of the state), and then takes the place of
 * this one in the same process: whoever watches it, a service manager or a shell, sees no change.
 * See docs/decisions/062.
 */

#include "fdstore.h"

/* The option with which the child is asked, and the name of the descriptor for its answer. */
#define HANDOVER_OPTION "--check-takeover"
#define HANDOVER_ANSWER "answer"

struct handover {
	const char *binary; /* absolute */
	char **argv; /* of this process; [0] is only a name */
	/* Stores, with fdstore_put(), everything that the next process needs. */
	void (*keep)(void *data);
	void *data;
	int timeout_ms; /* of the question */
};

/*
 * Ask H->binary. 0: it can; -ETIMEDOUT: no answer; -ENOEXEC: it cannot be run or is no
 * anklume-fs; -ENOTSUP: it says why it cannot, and so does ERR. The child has ended in any case.
 */
int handover_ask(const struct handover *h, struct error *err);

/* Become H->binary. Returns only when that fails: -errno, and nothing has changed. */
int handover_exec(const struct handover *h, struct error *err);

/* The child's answer to FD (taken): WHY it cannot, NULL that it can. */
void handover_answer(int fd, const char *why);

#endif
