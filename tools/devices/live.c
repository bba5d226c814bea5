/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live.h"

static int parse_one(const char *name, const json_t *properties, struct device_list *ret)
{
	struct device *d = device_list_add(ret, name, DEVICE_USER);
	const char *key;
	json_t *value;
	int r = d ? 0 : -ENOMEM;

	json_object_foreach ((json_t *)properties, key, value) {
		if (r == 0 && json_is_string(value))
			r = device_set(d, key, json_string_value(value));
	}
	return r;
}

int live_parse(const json_t *object, struct device_list *ret)
{
	const char *name;
	json_t *value;
	int r = 0;

	json_object_foreach ((json_t *)object, name, value) {
		if (r == 0)
			r = parse_one(name, value, ret);
	}
	return r;
}

json_t *live_format(const struct device *device)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < device->n_properties; i++) {
		const struct device_property *p = &device->properties[i];

		if (json_object_set_new(object, p->key, json_string(p->value)) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}
