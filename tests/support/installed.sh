# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# For scripts to source, after broker.sh: "make install" into a directory of its own, and
# what is needed to build programs with what is there.

root=$dir/root

[[ ${SANITIZERS-} != yes ]] || skip 'programs built without sanitizers cannot use the library'
command -v pkg-config >/dev/null || skip 'no pkg-config'
read -ra cc <<<"${CC:-cc}"
read -ra cxx <<<"${CXX:-c++}"

# The make that runs the tests is none of this one's business. Two of ours at the same time
# are one too many for libtool, which links again to install.
make_here() {
	flock "$top_builddir/config.status" \
		env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C "$top_builddir" DESTDIR="$root" "$@" \
		>"$dir/make.log" 2>&1 || {
		cat "$dir/make.log"
		fail "make $*"
	}
}

# try WHAT CMD...
try() {
	"${@:2}" >"$dir/try.log" 2>&1 || {
		cat "$dir/try.log"
		fail "$1: ${*:2}"
	}
	echo "ok: $1"
}

# Whether there is a C++ compiler that makes programs.
have_cxx() {
	printf 'int main() { return 0; }\n' >"$dir/empty.cc" &&
		"${cxx[@]}" -o "$dir/empty" "$dir/empty.cc" 2>/dev/null
}

make_here install

pc=$(find "$root" -name libshmbroker.pc)
export PKG_CONFIG_LIBDIR=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$root
unset PKG_CONFIG_PATH
export PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
read -ra cflags < <(pkg-config --cflags libshmbroker)
read -ra libs < <(pkg-config --libs libshmbroker)
