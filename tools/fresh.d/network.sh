# Where packages come from and who is trusted, as on this machine: apt, certificates, pip, npm, proxies. Sourced by room.
# `environment` is what of it stands in variables, NAME=VALUE each.
# shellcheck shell=bash disable=SC2154
environment=()

# Of the machine's own Debian archive, or the well-known one.
apt_mirror() { # Debian|Debian-Security
	local found
	# shellcheck disable=SC2016
	found=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null | sed -n "s/^$1 //p" | head -n 1)
	case $1 in
	Debian) echo "${found:-http://deb.debian.org/debian}" ;;
	Debian-Security) echo "${found:-http://deb.debian.org/debian-security}" ;;
	esac
}

apt_proxy() {
	apt-config dump 2>/dev/null | sed -nE 's/^Acquire::http::Proxy "(.*)";$/\1/p' | head -n 1
}

# What apt was told of its ways to fetch: proxies, time-outs, certificates, what it need not check.
apt_settings() {
	apt-config dump 2>/dev/null | grep -iE '^Acquire::(http|https|Retries|Check|Max|Languages|ForceIPv|AllowInsecure|AllowWeak)' | grep -viE 'Auto-?Detect'
}

# A file or a directory that a setting names, if it is not in the room.
carry() { # PATH
	[[ -e $1 && ! -e $root$1 ]] || return 0
	mkdir -p "$(dirname "$root$1")"
	if [[ -d $1 ]]; then
		mkdir -p "$root$1" && mount --bind -o ro "$1" "$root$1"
	else
		cp -L "$1" "$root$1" && chmod a+r "$root$1"
	fi
}

carry_variables() {
	local name value
	while IFS= read -r name; do
		value=${!name}
		environment+=("$name=$value")
		[[ $value != /* || $value == /etc/ssl/certs* ]] || carry "$value"
	done < <(compgen -e | grep -iE '^((http|https|ftp|all|no)_proxy|npm_config_(registry|cafile|strict_ssl|proxy|https_proxy|noproxy)|PIP_.*|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE)$')
}

# The certificates come to be trusted when the package ca-certificates is installed, which is not there yet.
carry_certificates() {
	[[ ! -d /usr/local/share/ca-certificates ]] || {
		mkdir -p "$root/usr/local/share" && cp -rL /usr/local/share/ca-certificates "$root/usr/local/share/"
	}
	apt_settings | sed -nE 's/.*::CaInfo "(.*)";/\1/p' | while IFS= read -r file; do carry "$file"; done
}

# Both users get what the one has who runs this.
carry_settings() {
	local config home
	mkdir -p "$root/etc/skel/.config/pip" "$root/root/.config/pip"
	[[ ! -e /etc/pip.conf ]] || cp -L /etc/pip.conf "$root/etc/pip.conf"
	config=$(npm config get globalconfig 2>/dev/null)
	[[ ! -e $config ]] || cp -L "$config" "$root/etc/npmrc"
	for home in "$root/etc/skel" "$root/root"; do
		[[ ! -e $HOME/.npmrc ]] || cp -L "$HOME/.npmrc" "$home/.npmrc"
		for config in "$HOME/.pip/pip.conf" "$HOME/.config/pip/pip.conf"; do
			[[ ! -e $config ]] || cp -L "$config" "$home/.config/pip/pip.conf"
		done
	done
}

network() {
	local mirror security
	mirror=$(apt_mirror Debian) security=$(apt_mirror Debian-Security)
	printf 'deb %s\n' "$mirror $release main" "$mirror $release-updates main" "$security $release-security main" >"$root/etc/apt/sources.list"
	apt_settings >"$root/etc/apt/apt.conf.d/80machine"
	echo 'force-unsafe-io' >"$root/etc/dpkg/dpkg.cfg.d/room" # nobody misses this system after a crash
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" && chmod 755 "$root/usr/sbin/policy-rc.d" # no services
	rm -f "$root/etc/resolv.conf"
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/" || return
	carry_certificates
	carry_variables
	carry_settings
}
