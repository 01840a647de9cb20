# shellcheck shell=bash
# Debian's packages of another suite than this computer's, verified by Debian's keyring. What this computer has is neither
# asked nor changed: sources, lists and the state of packages are in a folder of their own.

readonly suite_mirror=http://deb.debian.org/debian suite_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Has the lists of SUITE in FOLDER.
suite_open() { # SUITE FOLDER
	suite_folder=$2
	mkdir -p "$suite_folder"/{lists/partial,cache/archives/partial}
	echo "deb [signed-by=$suite_keyring] $suite_mirror $1 main" >"$suite_folder/sources.list"
	suite_apt apt-get update
}

suite_apt() { # COMMAND...
	"$1" -q -o Dir::Etc::sourcelist="$suite_folder/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::Lists="$suite_folder/lists" -o Dir::Cache="$suite_folder/cache" -o Dir::State::status=/dev/null \
		-o APT::Architecture=amd64 -o APT::Sandbox::User=root -o Acquire::Retries=2 "${@:2}"
}

# A field of a package's newest version.
suite_field() { # PACKAGE FIELD
	suite_apt apt-cache show --no-all-versions "$1" | sed -n "s/^$2: //p"
}

# The files of packages, without their scripts; in FOLDER/package is what the first was.
suite_unpack() { # FOLDER PACKAGE...
	local package

	(cd "$suite_folder" && suite_apt apt-get download "${@:2}") || return
	for package in "$suite_folder"/*.deb; do dpkg-deb -x "$package" "$1" || return; done
	echo "$2 $(suite_field "$2" Version)" >"$1/package"
}
