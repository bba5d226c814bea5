/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "device.h"

#include "naming.h"

#include <string.h>

void device_list_init(struct device_list *list)
{
	memset(list, 0, sizeof(*list));
}

void device_finish(struct device *device)
{
	for (size_t i = 0; i < device->n_properties; i++) {
		free(device->properties[i].key);
		free(device->properties[i].value);
	}
	free(device->properties);
	free(device->name);
	*device = (struct device){NULL};
}

void device_list_finish(struct device_list *list)
{
	for (size_t i = 0; i < list->n_items; i++)
		device_finish(&list->items[i]);
	free(list->items);
	device_list_init(list);
}

struct device *device_list_add(
	struct device_list *list, const char *name, enum device_origin origin)
{
	struct device *items = reallocarray(list->items, list->n_items + 1, sizeof(*items));
	struct device *d;

	if (!items)
		return NULL;
	list->items = items;

	d = &items[list->n_items];
	*d = (struct device){.name = strdup(name), .origin = origin};
	if (!d->name)
		return NULL;
	list->n_items++;
	return d;
}

int device_set(struct device *device, const char *key, const char *value)
{
	struct device_property *properties =
		reallocarray(device->properties, device->n_properties + 1, sizeof(*properties));
	struct device_property *p;

	if (!properties)
		return -ENOMEM;
	device->properties = properties;

	p = &properties[device->n_properties];
	p->key = strdup(key);
	p->value = strdup(value);
	if (!p->key || !p->value) {
		free(p->key);
		free(p->value);
		return -ENOMEM;
	}
	device->n_properties++;
	return 0;
}

const char *device_get(const struct device *device, const char *key)
{
	for (size_t i = 0; i < device->n_properties; i++) {
		if (strcmp(device->properties[i].key, key) == 0)
			return device->properties[i].value;
	}
	return NULL;
}

int device_list_add_volume(struct device_list *list, const char *base, const struct domain *domain,
	const struct machine *machine, const struct volume *volume)
{
	cleanup_free char *name = naming_device(volume->name);
	cleanup_free char *source = naming_source(base, domain->name, machine->name, volume->name);
	struct device *d;
	int r;

	if (!name || !source)
		return -ENOMEM;

	d = device_list_add(list, name, DEVICE_PERSISTENT);
	if (!d)
		return -ENOMEM;

	r = device_set(d, "type", "disk");
	if (r == 0)
		r = device_set(d, "source", source);
	if (r == 0)
		r = device_set(d, "path", volume->path);
	if (r == 0)
		r = device_set(d, "shift", "true");
	if (r == 0 && (volume->spec_flags & VOLUME_READONLY))
		r = device_set(d, "readonly", "true");
	return r;
}
