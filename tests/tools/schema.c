/*
 * Are the JSON documents on standard input as a schema says? The schema's keywords are those that are here, of draft 7; any
 * other one is an error, since nobody would check it.
 *   schema SCHEMA.json      prints where the first of them is not; exits with 1 then, or when there is none
 */
#include <jansson.h>
#include <limits.h>
#include <regex.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH 512

static const json_t *root;

/* What is wrong, as deep in the document as anything was looked at: of several forms that is the one that was meant. */
static struct {
	size_t depth;
	char text[PATH + 256];
} worst;

static bool __attribute__((format(printf, 2, 3))) wrong(const char *path, const char *format, ...)
{
	size_t depth = 1, used;
	va_list arguments;
	const char *at;

	for (at = path; *at; at++)
		depth += *at == '/';
	if (depth < worst.depth)
		return false;
	worst.depth = depth;
	used = snprintf(worst.text, sizeof(worst.text), "%s: ", *path ? path : "/");
	va_start(arguments, format);
	vsnprintf(worst.text + used, sizeof(worst.text) - used, format, arguments);
	va_end(arguments);
	return false;
}

static void give_up(const char *what, const char *name)
{
	fprintf(stderr, "schema: %s '%s'\n", what, name);
	exit(2);
}

static bool is_of_type(const json_t *value, const char *type)
{
	static const struct {
		const char *name;
		int types;
	} types[] = {
		{ "object", 1 << JSON_OBJECT }, { "array", 1 << JSON_ARRAY }, { "string", 1 << JSON_STRING },
		{ "integer", 1 << JSON_INTEGER }, { "number", 1 << JSON_INTEGER | 1 << JSON_REAL },
		{ "boolean", 1 << JSON_TRUE | 1 << JSON_FALSE }, { "null", 1 << JSON_NULL },
	};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(types[i].name, type))
			return types[i].types >> json_typeof(value) & 1;
	give_up("unknown type", type);
	return false;
}

static bool has_type(const json_t *type, const json_t *value, const char *path)
{
	size_t i;

	if (json_is_string(type) && is_of_type(value, json_string_value(type)))
		return true;
	for (i = 0; i < json_array_size(type); i++)
		if (is_of_type(value, json_string_value(json_array_get(type, i))))
			return true;
	return wrong(path, "it has another type");
}

static bool is_one_of(const json_t *values, const json_t *value, const char *path)
{
	size_t i;

	for (i = 0; i < json_array_size(values); i++)
		if (json_equal(json_array_get(values, i), value))
			return true;
	return wrong(path, "it has another value");
}

static bool matches(const char *pattern, const char *text, const char *path)
{
	regex_t regex;
	bool found;

	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB))
		give_up("unknown pattern", pattern);
	found = !regexec(&regex, text, 0, NULL, 0);
	regfree(&regex);
	return found || wrong(path, "'%s' is not like %s", text, pattern);
}

static const json_t *referred(const char *reference)
{
	const json_t *found = NULL;

	if (!strncmp(reference, "#/definitions/", 14))
		found = json_object_get(json_object_get(root, "definitions"), reference + 14);
	if (!found)
		give_up("unknown reference", reference);
	return found;
}

static bool is_valid(const json_t *schema, const json_t *value, const char *path);

static bool has_valid_members(const json_t *schema, json_t *value, const char *path)
{
	const json_t *required = json_object_get(schema, "required"), *properties = json_object_get(schema, "properties");
	char below[PATH];
	const char *key;
	json_t *member;
	size_t i;

	for (i = 0; i < json_array_size(required); i++)
		if (!json_object_get(value, json_string_value(json_array_get(required, i))))
			return wrong(path, "there is no '%s'", json_string_value(json_array_get(required, i)));
	json_object_foreach(value, key, member) {
		const json_t *rule = json_object_get(properties, key);

		snprintf(below, sizeof(below), "%s/%s", path, key);
		if (!rule && json_is_false(json_object_get(schema, "additionalProperties")))
			return wrong(below, "there is no such key");
		if (rule && !is_valid(rule, member, below))
			return false;
	}
	return true;
}

static bool has_valid_items(const json_t *schema, const json_t *value, const char *path)
{
	char below[PATH];
	size_t i;

	for (i = 0; i < json_array_size(value); i++) {
		snprintf(below, sizeof(below), "%s/%zu", path, i);
		if (!is_valid(schema, json_array_get(value, i), below))
			return false;
	}
	return true;
}

/* The form says which command's document it is, if that is what it is. */
static bool is_meant(const json_t *schema, const json_t *value)
{
	const json_t *given = json_object_get(value, "command"), *reference = json_object_get(schema, "$ref"), *rule;
	size_t i;

	if (reference)
		schema = referred(json_string_value(reference));
	rule = json_object_get(json_object_get(schema, "properties"), "command");
	if (!rule || !given || json_equal(json_object_get(rule, "const"), given))
		return true;
	for (i = 0; i < json_array_size(json_object_get(rule, "enum")); i++)
		if (json_equal(json_array_get(json_object_get(rule, "enum"), i), given))
			return true;
	return false;
}

static bool has_one_form(const json_t *schemas, const json_t *value, const char *path)
{
	unsigned int nr = 0;
	size_t i;

	for (i = 0; i < json_array_size(schemas); i++)
		nr += is_meant(json_array_get(schemas, i), value) && is_valid(json_array_get(schemas, i), value, path);
	if (!nr && !worst.depth)
		wrong(path, "it has none of the forms");
	return nr == 1 || (nr && wrong(path, "it has %u of the forms", nr));
}

static bool obeys(const char *keyword, const json_t *rule, const json_t *schema, const json_t *value, const char *path)
{
	static const char *const said_elsewhere[] = {
		"$schema", "title", "description", "definitions", "required", "additionalProperties",
	};
	size_t i;

	if (!strcmp(keyword, "$ref"))
		return is_valid(referred(json_string_value(rule)), value, path);
	if (!strcmp(keyword, "type"))
		return has_type(rule, value, path);
	if (!strcmp(keyword, "const"))
		return json_equal(rule, value) || wrong(path, "it has another value");
	if (!strcmp(keyword, "enum"))
		return is_one_of(rule, value, path);
	if (!strcmp(keyword, "minimum"))
		return !json_is_number(value) || json_number_value(value) >= json_number_value(rule) || wrong(path, "it is too small");
	if (!strcmp(keyword, "pattern"))
		return !json_is_string(value) || matches(json_string_value(rule), json_string_value(value), path);
	if (!strcmp(keyword, "properties"))
		return !json_is_object(value) || has_valid_members(schema, (json_t *)value, path);
	if (!strcmp(keyword, "items"))
		return !json_is_array(value) || has_valid_items(rule, value, path);
	if (!strcmp(keyword, "oneOf"))
		return has_one_form(rule, value, path);
	for (i = 0; i < sizeof(said_elsewhere) / sizeof(*said_elsewhere); i++)
		if (!strcmp(keyword, said_elsewhere[i]))
			return true;
	give_up("unknown keyword", keyword);
	return false;
}

static bool is_valid(const json_t *schema, const json_t *value, const char *path)
{
	const char *keyword;
	json_t *rule;

	json_object_foreach((json_t *)schema, keyword, rule)
		if (!obeys(keyword, rule, schema, value, path))
			return false;
	return true;
}

int main(int argc, char **argv)
{
	json_t *schema, *document;
	json_error_t error;
	unsigned int nr = 0;
	bool good = true;
	int next;

	schema = argc == 2 ? json_load_file(argv[1], JSON_REJECT_DUPLICATES, &error) : NULL;
	if (!schema) {
		fprintf(stderr, "schema: %s\n", argc == 2 ? error.text : "one schema is needed");
		return 2;
	}
	root = schema;
	while (good) {
		do
			next = getchar();
		while (next == '\n' || next == ' ');
		if (next == EOF)
			break;
		ungetc(next, stdin);
		document = json_loadf(stdin, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);
		good = document;
		if (!document)
			fprintf(stderr, "schema: document %u: %s\n", nr + 1, error.text);
		else if (!is_valid(schema, document, ""))
			good = false, fprintf(stderr, "schema: document %u: %s\n", nr + 1, worst.text);
		json_decref(document);
		nr++;
	}
	json_decref(schema);
	return good && nr ? 0 : 1;
}
