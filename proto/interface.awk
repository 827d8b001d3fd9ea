# SPDX-License-Identifier: MIT
#
# interface.awk - .varlink files in C: structures and tables, and of interfaces that have methods,
# these, their errors and their text
#
# usage: awk -v file=FOLDER/NAME.h -f interface.awk NAME.notes FILE.varlink... >FOLDER/NAME.h
#        awk -v file=FOLDER/NAME.c -f interface.awk NAME.notes FILE.varlink... >FOLDER/NAME.c
#
# It knows as much of the language as our files use, and fails at what it does not know. A type must
# be described before it is used.

function fail(message) {
	print "interface.awk: " message | "cat >&2"
	failed = 1
	exit 1
}

# sizeBytes is size_bytes, lingerUSec linger_usec, GetStatus get_status.
function snake(word) {
	gsub(/USec/, "Usec", word)
	while (match(word, /[a-z0-9][A-Z]/))
		word = substr(word, 1, RSTART) "_" substr(word, RSTART + 1)
	return tolower(word)
}

function capitals(word) {
	return toupper(snake(word))
}

# --- notes

function read_note(    i) {
	if ($1 ~ /^#/ || NF == 0)
		return
	if ($1 == "include" && NF == 2) {
		includes = includes "#include \"" $2 "\"\n"
		return
	}
	if ($1 != "enum")
		noted[$2] = 1
	if ($1 == "name" && NF == 4) {
		c_name[$2] = $3
		c_prefix[$2] = $4
	} else if (($1 == "parameters" || $1 == "reply") && NF == 3)
		c_name[$2, $1] = $3
	else if ($1 == "range" && NF == 4)
		note_range[$2] = $3 ", " $4
	else if ($1 == "set" && NF == 3)
		note_set[$2] = $3
	else if ($1 == "check" && NF == 3)
		note_check[$2] = $3
	else if ($1 == "elsewhere" && NF == 3)
		type_enum[$2] = names_of($3)
	else if ($1 == "enum" && NF >= 4) {
		begin_enum($2, $3)
		for (i = 4; i <= NF; ++i)
			add_word($i)
	} else
		fail("no note is like this: " $0)
}

# --- enumerations

function names_of(prefix) {
	return tolower(prefix) "_names"
}

function begin_enum(c, prefix) {
	++n_enums
	enum_c[n_enums] = c
	enum_prefix[n_enums] = prefix
}

function add_word(word) {
	enum_word[n_enums, ++enum_n[n_enums]] = word
}

# An interface is called by the last part of its name.
function last_part(word) {
	sub(/.*\./, "", word)
	return word
}

function constant(i, j) {
	return enum_prefix[i] "_" capitals(last_part(enum_word[i, j]))
}

# --- tokens

function add_tokens(line) {
	if (index(line, "# [Requires 'more' flag]") == 1)
		token[++n_tokens] = "more"
	sub(/#.*/, "", line)
	while (sub(/^[ \t]+/, "", line) || length(line) > 0) {
		if (length(line) == 0)
			break
		if (!match(line, /^([A-Za-z][A-Za-z0-9_.]*|->|\[\]|\[string\]|[(),:?])/))
			fail("cannot read: " line)
		token[++n_tokens] = substr(line, 1, RLENGTH)
		line = substr(line, RLENGTH + 1)
	}
}

function take() {
	if (at >= n_tokens)
		fail("the text ends in the middle of a definition")
	return token[++at]
}

function next_is(what) {
	if (at >= n_tokens || token[at + 1] != what)
		return 0
	++at
	return 1
}

function expect(what,    got) {
	got = take()
	if (got != what)
		fail("'" what "' expected, not '" got "', in " owner)
}

# --- structures

# Takes the fields in parentheses, as those of a structure of that name; equal ones are one.
function read_structure(c, prefix,    s, n, key) {
	s = ++n_structures
	structure_c[s] = c
	structure_prefix[s] = prefix
	signature[s] = ""
	expect("(")
	if (!next_is(")"))
		do {
			key = take()
			expect(":")
			field_key[s, ++n] = key
			read_type(s, n, key)
		} while (take_comma())
	structure_n[s] = n + 0
	if (c in structure_of) {
		if (signature[s] != signature[structure_of[c]])
			fail(owner ": " c " has other fields elsewhere")
		--n_structures
		return
	}
	structure_of[c] = s
}

function take_comma(    got) {
	got = take()
	if (got != "," && got != ")")
		fail("',' or ')' expected, not '" got "', in " owner)
	return got == ","
}

function read_type(s, n, key,    type, array, id) {
	id = owner "." key
	field_null[s, n] = next_is("?")
	array = next_is("[]") ? "[]" : next_is("[string]") ? "[string]" : ""
	type = array take()
	field_detail[s, n] = ""
	if (type == "int") {
		field_member[s, n] = "int64_t "
		field_detail[s, n] = id in note_range ? "FIELD_RANGE(" note_range[id] ")" : \
			owner in note_range ? "FIELD_RANGE(" note_range[owner] ")" : "FIELD_ANY_INT"
	} else if (type == "[]int") {
		field_member[s, n] = "Numbers "
		if (!(id in note_range))
			fail(id " needs a range")
		field_detail[s, n] = "FIELD_NUMBERS_RANGE(" note_range[id] ")"
	} else if (type == "bool")
		simple(s, n, "bool ", "BOOL")
	else if (type == "string")
		simple(s, n, "const char *", "STRING" (id in note_check ? ", .valid = " note_check[id] : ""))
	else if (type == "[string]int")
		simple(s, n, "Map ", "MAP")
	else if (type == "[]string" && id in note_set)
		simple(s, n, "unsigned int ", "SET, .names = &" names_of(note_set[id]))
	else if (array == "[]" && substr(type, 3) in type_enum)
		simple(s, n, "unsigned int ", "SET, .names = &" type_enum[substr(type, 3)])
	else if (type in type_enum) {
		simple(s, n, "unsigned int ", "ENUM, .names = &" type_enum[type])
		field_word[s, n] = 1
	}
	else if (type in type_structure)
		simple(s, n, type_structure[type] " ", "STRUCT, .structure = &" snake(type_structure[type]) "_type")
	else
		fail(id " is of a type that is not known here: " type)
	used[id] = used[type] = 1
	signature[s] = signature[s] key " " field_null[s, n] field_detail[s, n] "\n"
}

function simple(s, n, member, detail) {
	field_member[s, n] = member
	field_detail[s, n] = ".type = FIELD_" detail
}

# --- definitions

function read_definitions(    what, more) {
	while (at < n_tokens) {
		what = take()
		if (what == "more") {
			more = 1
			continue
		}
		owner = take()
		used[owner] = 1
		if (what == "interface")
			interface_name[++n_interfaces] = interface = owner
		else if (what == "type")
			read_named_type()
		else if (what == "method")
			read_method(more)
		else if (what == "error")
			read_error()
		else
			fail("unknown: " what)
		more = 0
	}
}

function read_named_type(    c, prefix) {
	c = owner in c_name ? c_name[owner] : owner
	prefix = owner in c_prefix ? c_prefix[owner] : capitals(owner)
	if (token[at + 3] == ":") {
		read_structure(c, prefix)
		type_structure[owner] = c
		return
	}
	begin_enum(c, prefix)
	type_enum[owner] = names_of(prefix)
	expect("(")
	do
		add_word(take())
	while (take_comma())
}

# The prefix of parameters is what they are of: ACQUIRE_NAME; that of a reply says that it is one.
function read_message(part, default_name,    c, prefix) {
	c = (owner, part) in c_name ? c_name[owner, part] : default_name
	if (token[at + 1] == "(" && token[at + 2] == ")")
		c = "NoParameters"
	prefix = c
	sub(/Parameters$/, "", prefix)
	read_structure(c, capitals(prefix))
	return c
}

function read_method(more,    m) {
	m = ++n_methods
	method_c[m] = capitals(owner)
	method_name[m] = interface "." owner
	method_more[m] = more
	method_in[m] = read_message("parameters", owner "Parameters")
	expect("->")
	method_out[m] = read_message("reply", owner "Reply")
}

function read_error(    e) {
	e = ++n_errors
	error_c[e] = capitals(owner)
	error_name[e] = interface "." owner
	error_type[e] = token[at + 2] == ")" ? "NoParameters" : owner "Fault"
	read_structure(error_type[e], "FAULT_" capitals(owner))
}

# --- writing

function has_descriptor(c,    s, i) {
	s = structure_of[c]
	for (i = 1; i <= structure_n[s]; ++i)
		if (field_key[s, i] == "fileDescriptorIndex")
			return 1
	return 0
}

function write_enum(i,    j) {
	print "typedef enum " enum_c[i] " {"
	for (j = 1; j <= enum_n[i]; ++j)
		print "        " constant(i, j) ","
	print "        _" enum_prefix[i] "_N,\n} " enum_c[i] ";\n"
	print "extern const Names " names_of(enum_prefix[i]) ";\n"
}

function write_structure(s,    i) {
	if (structure_n[s] > 0) {
		print "enum {"
		for (i = 1; i <= structure_n[s]; ++i)
			print "        " structure_prefix[s] "_" capitals(field_key[s, i]) ","
		print "};\n"
	}
	print "typedef struct " structure_c[s] " {\n        uint64_t given;"
	for (i = 1; i <= structure_n[s]; ++i)
		print "        " field_member[s, i] snake(field_key[s, i]) ";" \
			((s, i) in field_word ? "\n        const char *" snake(field_key[s, i]) "_word;" : "")
	print "} " structure_c[s] ";\n\nextern const Type " snake(structure_c[s]) "_type;\n"
}

function write_header(    i, guard) {
	guard = "SHMBROKER_" toupper(file)
	gsub(/[^A-Z0-9]/, "_", guard)
	print "#ifndef " guard "\n#define " guard "\n\n#include \"proto/field.h\"\n"
	for (i = 1; i <= n_enums; ++i)
		write_enum(i)
	for (i = 1; i <= n_structures; ++i)
		write_structure(i)
	if (n_methods > 0)
		write_codes()
	print "#endif"
}

function write_codes(    i) {
	print "typedef enum Method {"
	for (i = 1; i <= n_methods; ++i)
		print "        METHOD_" method_c[i] ","
	print "        _METHOD_N,\n} Method;\n"

	print "typedef enum FaultCode {\n        FAULT_NONE,"
	for (i = 1; i <= n_errors; ++i)
		print "        FAULT_" error_c[i] ","
	print "        _FAULT_N,\n} FaultCode;\n"

	for (i = 1; i <= n_interfaces; ++i)
		print "extern const char interface_" snake(last_part(interface_name[i])) "_description[];"
	print ""
}

function write_names(i,    j, names) {
	names = names_of(enum_prefix[i])
	print "static const char *const " names "_array[] = {"
	for (j = 1; j <= enum_n[i]; ++j)
		print "        [" constant(i, j) "] = \"" enum_word[i, j] "\","
	print "};"
	print "const Names " names " = { " names "_array, ARRAY_SIZE(" names "_array) };\n"
}

function write_type(s,    i, key, type) {
	type = snake(structure_c[s]) "_type"
	if (structure_n[s] == 0) {
		print "const Type " type " = { .size = sizeof(" structure_c[s] ") };\n"
		return
	}
	print "static const Field " type "_fields[] = {"
	for (i = 1; i <= structure_n[s]; ++i) {
		key = field_key[s, i]
		print "        [" structure_prefix[s] "_" capitals(key) "] = { " ((s, i) in field_word ? "FIELD_WORD_ROW(" : "FIELD_ROW(") structure_c[s] ", " \
			snake(key) ", \"" key "\"), " field_detail[s, i] (field_null[s, i] ? ", FIELD_NULLABLE" : "") " },"
	}
	print "};"
	print "const Type " type " = { sizeof(" structure_c[s] "), " type "_fields, ARRAY_SIZE(" type "_fields) };\n"
}

function write_methods(    i) {
	print "const MethodRow method_rows[_METHOD_N] = {"
	for (i = 1; i <= n_methods; ++i)
		print "        [METHOD_" method_c[i] "] = { \"" method_name[i] "\"" \
			(method_more[i] ? ", .more = true" : "") \
			(has_descriptor(method_in[i]) ? ", .n_fds_in = 1" : "") \
			(has_descriptor(method_out[i]) ? ", .n_fds_out = 1" : "") \
			", .parameters = &" snake(method_in[i]) "_type, .reply = &" snake(method_out[i]) "_type },"
	print "};\n"
}

function write_errors(    i) {
	print "const FaultRow fault_rows[_FAULT_N] = {"
	for (i = 1; i <= n_errors; ++i)
		print "        [FAULT_" error_c[i] "] = { \"" error_name[i] "\", &" snake(error_type[i]) "_type },"
	print "};\n"
}

function write_source(    i) {
	print includes "#include \"proto/util.h\"\n"
	for (i = 1; i <= n_enums; ++i)
		write_names(i)
	for (i = 1; i <= n_structures; ++i)
		write_type(i)
	if (n_methods == 0)
		return
	write_methods()
	write_errors()
	for (i = 1; i <= n_interfaces; ++i)
		print "const char interface_" snake(last_part(interface_name[i])) "_description[] =\n" text[i] "        ;" \
			(i < n_interfaces ? "\n" : "")
}

# --- main

FILENAME ~ /\.notes$/ {
	read_note()
	next
}

FNR == 1 {
	++n_files
}

{
	quoted = $0
	gsub(/[\\"]/, "\\\\&", quoted)
	text[n_files] = text[n_files] "        \"" quoted "\\n\"\n"
	add_tokens($0)
}

# Interfaces that are more than types are an enumeration, too; and each note must have been of use.
function finish(    i, id) {
	if (n_methods == 0 && n_errors > 0)
		fail("errors, and no method")
	if (n_methods > 0)
		begin_enum("Interface", "INTERFACE")
	for (i = 1; i <= n_interfaces && n_methods > 0; ++i)
		add_word(interface_name[i])
	for (id in noted)
		if (!(id in used))
			fail("a note on " id ", which is not there")
}

END {
	if (failed)
		exit 1
	read_definitions()
	finish()
	print "/* Made from .varlink files by proto/interface.awk. */"
	if (file ~ /\.h$/)
		write_header()
	else
		write_source()
}
