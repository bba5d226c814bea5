/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CONFIRM_H
#define ANKLUME_CONFIRM_H

/*
 * The question before something is destroyed. It is asked on a terminal only: an answer out of a
 * pipe was given before anybody saw the question.
 */

#include <stdbool.h>
#include <stdio.h>

/* True when stdin is a terminal. */
bool confirm_can_ask(void);

/*
 * Write PROMPT to WORDS and read one line from stdin. 1: it is ANSWER, byte by byte; 0: it is
 * another; -ECANCELED: the input ended; -ENOTTY: stdin is no terminal, nothing was asked.
 */
int confirm_ask(FILE *words, const char *prompt, const char *answer);

#endif
