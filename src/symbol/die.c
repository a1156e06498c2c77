/*
 * What is wanted of function entries. Attributes are looked for in the entry itself, in its
 * abstract origin and in its specification; libdw limits how far that goes.
 */
#include "config.h"

#include "symbol/die.h"

#include <dwarf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/cut.h"
#include "symbol/demangle.h"

enum {
	ORIGINS_MAX = 8,
	QUALIFIED_MAX = 4096,
};

static const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;

	if (!dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) &&
	    !dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		return NULL;
	return dwarf_formstring(&attribute);
}

/* Whether names of the entry's language are nested, so that they need their surroundings. */
static bool has_scopes(Dwarf_Die *die)
{
	Dwarf_Die unit;

	if (!dwarf_diecu(die, &unit, NULL, NULL))
		return false;
	switch (dwarf_srclang(&unit)) {
	case DW_LANG_C:
	case DW_LANG_C89:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case DW_LANG_Mips_Assembler:
	case -1:
		return false;
	default:
		return true;
	}
}

/* The entry that stands where the function was declared. */
static Dwarf_Die declaration(Dwarf_Die *die)
{
	Dwarf_Die found = *die;

	for (int i = 0; i < ORIGINS_MAX; i++) {
		Dwarf_Attribute attribute;
		Dwarf_Die next;

		if (!dwarf_attr(&found, DW_AT_abstract_origin, &attribute) &&
		    !dwarf_attr(&found, DW_AT_specification, &attribute))
			break;
		if (!dwarf_formref_die(&attribute, &next))
			break;
		found = next;
	}
	return found;
}

static const char *scope_name(Dwarf_Die *scope)
{
	const char *name = dwarf_diename(scope);

	switch (dwarf_tag(scope)) {
	case DW_TAG_namespace:
		return name ? name : "(anonymous namespace)";
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_module:
		return name;
	default:
		return NULL;
	}
}

static void qualify(char *buf, size_t size, Dwarf_Die *die, const char *name)
{
	Dwarf_Die declared = declaration(die), *scopes = NULL;
	int count = dwarf_getscopes_die(&declared, &scopes);
	char text[QUALIFIED_MAX];
	size_t used = 0;

	for (int i = count - 1; i > 0; i--) {
		const char *part = scope_name(&scopes[i]);

		if (!part)
			continue;
		used += (size_t)snprintf(text + used, sizeof text - used, "%s::", part);
		if (used >= sizeof text)
			used = sizeof text - 1;
	}
	free(scopes);
	used += (size_t)snprintf(text + used, sizeof text - used, "%s", name);
	cut_middle(buf, size, text, used < sizeof text ? used : sizeof text - 1);
}

const char *die_name(char *buf, size_t size, Dwarf_Die *die)
{
	const char *name = linkage_name(die);

	if (name)
		return demangle(buf, size, name);
	name = dwarf_diename(die);
	if (!name)
		return NULL;
	if (has_scopes(die))
		qualify(buf, size, die, name);
	else
		cut_middle(buf, size, name, strlen(name));
	return buf;
}

static uint32_t line_number(Dwarf_Attribute *attribute)
{
	Dwarf_Word line;

	if (!attribute || dwarf_formudata(attribute, &line) || line > UINT32_MAX)
		return 0;
	return (uint32_t)line;
}

uint32_t die_call_line(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;

	return line_number(dwarf_attr(die, DW_AT_call_line, &attribute));
}

uint32_t die_decl_line(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;

	return line_number(dwarf_attr_integrate(die, DW_AT_decl_line, &attribute));
}

/*
 * libdw's dwarf_decl_file() fails an assertion on split DWARF, and numbers belong to the unit that
 * the attribute was found in.
 */
static const char *file_name(Dwarf_Attribute *attribute)
{
	Dwarf_Files *files;
	Dwarf_Word number;
	Dwarf_Die unit;
	size_t count;

	if (!attribute || dwarf_formudata(attribute, &number) ||
	    dwarf_cu_info(attribute->cu, NULL, NULL, &unit, NULL, NULL, NULL, NULL) ||
	    dwarf_getsrcfiles(&unit, &files, &count) || number >= count)
		return NULL;
	return dwarf_filesrc(files, number, NULL, NULL);
}

const char *die_call_file(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;

	return file_name(dwarf_attr(die, DW_AT_call_file, &attribute));
}

const char *die_decl_file(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;

	return file_name(dwarf_attr_integrate(die, DW_AT_decl_file, &attribute));
}

const char *die_folder(Dwarf_Die *unit)
{
	Dwarf_Attribute attribute;

	return dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
}
