# SPDX-License-Identifier: MIT
# circles.awk - print the circles in a graph
#
# Each line of input is an arrow: FROM TO, and maybe a WORD that tells why. Each
# line of output is a circle: A -> B -> A, with the words in parentheses. Every
# node that is in a circle appears in one of the lines at least.

function add(node) {
	if (!(node in known)) {
		known[node] = 1
		nodes[++n_nodes] = node
	}
}

# From a node back to itself on the shortest way; true if there is one.
function search(start,	queue, first, last, from, to, n, i, at) {
	split("", before)
	queue[last = 1] = start
	for (first = 1; first <= last; first++) {
		at = queue[first]
		n = split(arrows[at], to, " ")
		for (i = 1; i <= n; i++) {
			if (to[i] in before)
				continue
			before[to[i]] = at
			if (to[i] == start)
				return 1
			queue[++last] = to[i]
		}
	}
	return 0
}

function print_circle(start,	line, at, from) {
	at = start
	line = ""
	do {
		from = before[at]
		shown[from] = 1
		line = " -> " at (why[from, at] ? " (" why[from, at] ")" : "") line
		at = from
	} while (at != start)
	print start line
}

$1 != $2 && !(($1, $2) in why) {
	add($1)
	add($2)
	why[$1, $2] = $3
	arrows[$1] = arrows[$1] " " $2
}

END {
	for (i = 1; i <= n_nodes; i++)
		if (!(nodes[i] in shown) && search(nodes[i]))
			print_circle(nodes[i])
}
