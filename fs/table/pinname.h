/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_PINNAME_H
#define ANKLUME_PINNAME_H

/*
 * The names of pins (pins.h) at whoever keeps them. Short ones: the next process is told all of them
 * in one variable of its environment, $LISTEN_FDNAMES, and execve(2) takes 128 KiB for a string
 * (MAX_ARG_STRLEN). With more than that no process is ever started again.
 */

#include <stdbool.h>
#include <stdint.h>

enum pin_form {
	PIN_NONE, /* not the name of a pin */
	PIN_KEPT,
	PIN_COPY, /* for a process that takes over; who keeps descriptors may not have it */
	PIN_LONG, /* "pin-" and the node in hexadecimal, as earlier versions wrote */
};

#define PIN_SLOT_BITS 26 /* of a node's slot number */
#define PIN_NAME_SHORT 6 /* characters of a name of ours, at most */
#define PIN_NAME_MAX 24 /* bytes of any form's, with the end */

/* The name of NODE's pin: its slot and a little of its generation. No two nodes at a time share one. */
const char *pinname_make(uint64_t node, enum pin_form form, char buf[static PIN_NAME_MAX]);

/* The form of NAME and the slot of the node, which is the one that pinname_is_of() says. */
enum pin_form pinname_parse(const char *name, uint32_t *ret_slot);
bool pinname_is_of(const char *name, uint64_t node);

#endif
