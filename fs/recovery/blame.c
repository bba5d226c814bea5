/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "blame.h"

#include "cleanup.h"
#include "journal.h"

#include <signal.h>

/* The handler is gone by now (SA_RESETHAND): returning dies of the same cause. */
static void on_crash(int signal_number, siginfo_t *info, void *context)
{
	(void)context;
	journal_blame();
	if (info->si_code <= 0 || signal_number == SIGABRT)
		raise(signal_number);
}

void blame_install(void)
{
	static const int signals[] = {
		SIGABRT,
#ifndef __SANITIZE_ADDRESS__ /* which reports these itself */
		SIGSEGV,
		SIGBUS,
		SIGFPE,
		SIGILL,
#endif
	};
	struct sigaction action = {.sa_sigaction = on_crash,
		.sa_flags = (int)(SA_SIGINFO | SA_RESETHAND | SA_NODEFER)};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
}
