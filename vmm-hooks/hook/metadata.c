// SPDX-License-Identifier: GPL-2.0
#include "vmm-hooks/hook/metadata.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "host/names.h"
#include "host/units.h"

/* Returns false. */
__attribute__((format(printf, 2, 3))) static bool refuse(struct policy_error *error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error->text, sizeof(error->text), format, arguments);
	va_end(arguments);
	return false;
}

/* --- values --- */

static bool read_bool(bool *value, const char *text, const char **rule)
{
	*value = !strcmp(text, "yes");
	*rule = "it must be yes or no";
	return *value || !strcmp(text, "no");
}

/* A time of 0 would say the same as none. */
static bool read_time(uint64_t *ns, const char *text, const char **rule)
{
	if (!units_parse(ns, text, rule))
		return false;
	*rule = "it is too short; without a reservation leave both runtime and period out";
	return *ns;
}

static bool read_copy(char **copy, const char *text, const char **rule)
{
	*copy = strdup(text);
	*rule = strerror(ENOMEM);
	return *copy;
}

static bool read_runtime(struct vm_policy *vm, const char *text, const char **rule)
{
	return read_time(&vm->reservation.runtime, text, rule);
}

static bool read_period(struct vm_policy *vm, const char *text, const char **rule)
{
	return read_time(&vm->reservation.period, text, rule);
}

static bool read_class(struct vm_policy *vm, const char *text, const char **rule)
{
	*rule = "it must be auto, deadline or quota";
	return policy_class(&vm->class, text);
}

static bool read_vcpus(struct vm_policy *vm, const char *text, const char **rule)
{
	return cpus_parse(&vm->vcpus, text, rule);
}

static bool read_pool(struct vm_policy *vm, const char *text, const char **rule)
{
	vm->borrow.on = true;
	return read_copy(&vm->pool, text, rule);
}

/* "any", "none", or names with blanks or commas between them. */
static bool read_devices(struct vm_policy *vm, const char *text, const char **rule)
{
	char *copy, *rest, *name;
	bool done = true;

	vm->any_device = !strcmp(text, "any");
	if (vm->any_device || !strcmp(text, "none"))
		return true;
	if (!read_copy(&copy, text, rule))
		return false;
	for (rest = copy; done && (name = strsep(&rest, " ,\t\n")); )
		done = !*name || names_add(&vm->devices, &vm->nr_devices, name);
	free(copy);
	if (!done)
		*rule = strerror(ENOMEM);
	else if (!vm->nr_devices)
		*rule = "it must be any, none, or names with blanks or commas between them";
	return done && vm->nr_devices;
}

static bool read_on(struct vm_policy *vm, const char *text, const char **rule)
{
	return read_bool(&vm->borrow.on, text, rule);
}

static bool read_chances(struct vm_policy *vm, const char *text, const char **rule)
{
	uint64_t chances = 0;

	if (strcmp(text, "max") && !units_parse_number(&chances, text, 1, INT_MAX, rule))
		return false;
	vm->borrow.chances = chances;
	return true;
}

static bool read_charge(struct vm_policy *vm, const char *text, const char **rule)
{
	return read_bool(&vm->borrow.charge, text, rule);
}

static bool read_reply(struct vm_policy *vm, const char *text, const char **rule)
{
	return read_bool(&vm->borrow.reply, text, rule);
}

static bool read_timer(struct vm_policy *vm, const char *text, const char **rule)
{
	return read_bool(&vm->borrow.timer, text, rule);
}

static bool read_linger(struct vm_policy *vm, const char *text, const char **rule)
{
	return units_parse(&vm->borrow.linger, text, rule);
}

static bool read_io_policy(struct vm_policy *vm, const char *text, const char **rule)
{
	static const char *const names[] = {
		[IO_KEEP] = "keep",
		[IO_HOUSEKEEPING] = "housekeeping",
		[IO_DEADLINE] = "deadline",
	};

	for (int kind = IO_KEEP; kind <= IO_DEADLINE; kind++) {
		if (!strcmp(text, names[kind])) {
			vm->io.kind = kind;
			return true;
		}
	}
	*rule = "it must be keep, housekeeping or deadline";
	return false;
}

static bool read_io_cpus(struct vm_policy *vm, const char *text, const char **rule)
{
	return cpus_parse(&vm->io.cpus, text, rule);
}

static bool read_io_runtime(struct vm_policy *vm, const char *text, const char **rule)
{
	return read_time(&vm->io.reservation.runtime, text, rule);
}

static bool read_io_period(struct vm_policy *vm, const char *text, const char **rule)
{
	return read_time(&vm->io.reservation.period, text, rule);
}

/* --- elements --- */

struct attribute {
	const char *name;
	/* False: *rule says what the text breaks. */
	bool (*read)(struct vm_policy *vm, const char *text, const char **rule);
};

struct element {
	const char *name;
	struct attribute attributes[8];
};

static const struct element vm_element = {
	"vm", {
		{ "runtime", read_runtime }, { "period", read_period }, { "class", read_class }, { "vcpus", read_vcpus },
		{ "pool", read_pool }, { "devices", read_devices }, { 0 },
	},
}, borrow_element = {
	"borrow", {
		{ "on", read_on }, { "chances", read_chances }, { "charge", read_charge },
		{ "reply", read_reply }, { "linger", read_linger }, { "timer", read_timer }, { 0 },
	},
}, io_element = {
	"io", {
		{ "policy", read_io_policy }, { "cpus", read_io_cpus }, { "runtime", read_io_runtime },
		{ "period", read_io_period }, { 0 },
	},
};

static const char *name_of(const xmlNode *node)
{
	return (const char *)node->name;
}

static bool is_ours(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns &&
	       !strcmp((const char *)node->ns->href, METADATA_NAMESPACE) && (!name || !strcmp(name_of(node), name));
}

static bool is_plain(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && !node->ns && !strcmp(name_of(node), name);
}

static bool read_attribute(struct vm_policy *vm, const struct element *element, const xmlAttr *attribute,
			   struct policy_error *error)
{
	const struct attribute *known = element->attributes;
	const char *rule;
	xmlChar *text;
	bool good;

	while (known->name && strcmp(known->name, (const char *)attribute->name))
		known++;
	if (!known->name || attribute->ns)
		return refuse(error, "<%s> has no attribute '%.64s'", element->name, (const char *)attribute->name);
	/* NULL is no error: the value is empty. */
	text = xmlNodeListGetString(attribute->doc, attribute->children, 1);
	good = known->read(vm, text ? (const char *)text : "", &rule);
	if (!good)
		refuse(error, "<%s> %s='%.64s': %s", element->name, known->name, text ? (const char *)text : "", rule);
	xmlFree(text);
	return good;
}

/* The attributes of an element of ours, and whether there is no text in it. */
static bool read_element(struct vm_policy *vm, const struct element *element, const xmlNode *node,
			 struct policy_error *error)
{
	for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
		if (!read_attribute(vm, element, attribute, error))
			return false;
	for (const xmlNode *child = node->children; child; child = child->next)
		if (child->type != XML_ELEMENT_NODE && child->type != XML_COMMENT_NODE && !xmlIsBlankNode(child))
			return refuse(error, "<%s> has text in it; it has attributes only", element->name);
	return true;
}

static bool read_vm(struct vm_policy *vm, const xmlNode *node, struct policy_error *error)
{
	const struct element *const children[] = { &borrow_element, &io_element };
	bool seen[] = { false, false };
	size_t i;

	if (!read_element(vm, &vm_element, node, error))
		return false;
	for (const xmlNode *child = node->children; child; child = child->next) {
		if (child->type != XML_ELEMENT_NODE)
			continue;
		for (i = 0; i < 2 && !is_ours(child, children[i]->name); i++)
			;
		if (i == 2)
			return refuse(error, "<vm> has no element <%.64s>", name_of(child));
		if (seen[i])
			return refuse(error, "<vm> has two elements <%s>", name_of(child));
		seen[i] = true;
		if (!read_element(vm, children[i], child, error))
			return false;
		if (xmlChildElementCount((xmlNode *)child))
			return refuse(error, "<%s> has elements in it; it has attributes only", name_of(child));
	}
	if (seen[0] && !vm->pool)
		return refuse(error, "<borrow> needs a pool");
	return true;
}

/* --- the domain --- */

/* Our element in the metadata; NULL: there is none. False: there is another, or there are two. */
static bool find_vm(const xmlNode *domain, const xmlNode **found, struct policy_error *error)
{
	*found = NULL;
	for (const xmlNode *node = domain->children; node; node = node->next) {
		const xmlNode *child = is_plain(node, "metadata") ? node->children : NULL;

		for (; child; child = child->next) {
			if (!is_ours(child, NULL))
				continue;
			if (!is_ours(child, vm_element.name))
				return refuse(error, "the namespace " METADATA_NAMESPACE " has no element <%.64s>",
					      name_of(child));
			if (*found)
				return refuse(error, "the metadata have two elements <vm>");
			*found = child;
		}
	}
	return true;
}

/* New, to be freed with xmlFree(); NULL: there is none. */
static xmlChar *name_of_domain(const xmlNode *domain)
{
	for (const xmlNode *node = domain->children; node; node = node->next)
		if (is_plain(node, "name"))
			return xmlNodeGetContent(node);
	return NULL;
}

/* The policy's own checks need the pool to be there. */
static bool check(struct policy *policy, struct policy_error *error)
{
	char *pool = policy->vms[0].pool;
	bool good;

	if (pool && !policy_add_pool(policy, pool))
		return refuse(error, "%s", strerror(ENOMEM));
	good = policy_check(policy, error);
	if (pool)
		policy_remove_pool(policy, pool);
	return good;
}

static bool read_domain(struct policy *policy, const xmlDoc *document, struct policy_error *error)
{
	const xmlNode *domain = xmlDocGetRootElement(document), *node;
	struct vm_policy *vm;
	xmlChar *name;

	if (!find_vm(domain, &node, error))
		return false;
	if (!node)
		return true;
	name = name_of_domain(domain);
	if (!name)
		return refuse(error, "<%.64s> has no <name>", name_of(domain));
	vm = policy_add_vm(policy, (const char *)name);
	xmlFree(name);
	if (!vm)
		return refuse(error, "%s", strerror(ENOMEM));
	return read_vm(vm, node, error) && check(policy, error);
}

/* Only a document type can declare entities; libvirt writes none. */
static void refuse_type(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	xmlParserCtxt *parser = context;

	(void)name;
	(void)external;
	(void)system;
	*(bool *)parser->_private = true;
	xmlStopParser(parser);
}

static xmlDoc *parse(const char *xml, size_t length, struct policy_error *error)
{
	xmlParserCtxt *parser = xmlNewParserCtxt();
	xmlDoc *document = NULL;
	bool has_type = false;

	if (!parser || length > INT_MAX) {
		refuse(error, "%s", strerror(parser ? EFBIG : ENOMEM));
		goto out;
	}
	parser->_private = &has_type;
	parser->sax->internalSubset = refuse_type;
	document = xmlCtxtReadMemory(parser, xml, length, NULL, NULL,
				     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (has_type) {
		xmlFreeDoc(document);
		document = NULL;
		refuse(error, "the XML has a document type (DTD); a domain has none");
	} else if (!document) {
		refuse(error, "line %d of the XML: %.200s", parser->lastError.line,
		       parser->lastError.message ? parser->lastError.message : "it is none");
	}
	/* libxml2's messages end with a newline. */
	error->text[strcspn(error->text, "\n")] = '\0';
out:
	xmlFreeParserCtxt(parser);
	return document;
}

bool metadata_read(struct policy *policy, const char *xml, size_t length, struct policy_error *error)
{
	xmlDoc *document;
	bool good;

	*error = (struct policy_error){ 0 };
	policy_init(policy);
	document = parse(xml, length, error);
	if (!document)
		return false;
	good = read_domain(policy, document, error);
	xmlFreeDoc(document);
	if (!good)
		policy_free(policy);
	return good;
}
