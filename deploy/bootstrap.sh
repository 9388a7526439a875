#!/usr/bin/env bash
# Installs what this machine lacks: uv and the project's environment, then what the services need (Java, Maven, promtool,
# libpython). `bootstrap.sh environment` stops after the environment: enough for everything that starts no service.
# `bootstrap.sh browser` installs the browser of the page's tests alone.
# Debian and Ubuntu; needs python3 >= 3.11, git and make. What is there already is left alone.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$PWD/.sightline/tools
mkdir -p "$tools/bin"
export PATH=$PATH:$tools/bin

say() { echo "bootstrap: $*" >&2; }
die() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null; }

updated=
refresh_package_lists() {
  [ -n "$updated" ] || as_root apt-get -qq update
  updated=yes
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# install WHY PACKAGE...: installs the first of the packages that this release of the system has
install() {
  local why=$1 package
  shift
  has apt-get || die "$why is missing and there is no apt-get: install it, then run this again"
  [ "$(id -u)" = 0 ] || has sudo || die "$why is missing: run \`apt-get install $1\` as root, then this again"
  refresh_package_lists
  for package in "$@"; do
    if apt-cache show "$package" >/dev/null 2>&1; then
      say "installing $package ($why is missing)"
      as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 \
        install --no-install-recommends "$package" >/dev/null
      return
    fi
  done
  die "$why is missing and none of these packages exists here: $*"
}

java_major() {
  has java && java -version 2>&1 | sed -nE 's/.*version "([0-9]+).*/\1/p' | head -n 1
}

install_uv() {
  has python3 || die "python3 is missing: install Python 3.11 or 3.12"
  python3 -c 'import ensurepip, venv' 2>/dev/null || install "Python's venv" python3-venv
  say "installing uv into $tools/uv"
  python3 -m venv --clear "$tools/uv"
  "$tools/uv/bin/python" -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
  ln -sfn ../uv/bin/uv ../uv/bin/uvx "$tools/bin/"
}

# The package would start a Prometheus service, so only the program is unpacked.
install_promtool() {
  has apt-get || { say "promtool is missing and there is no apt-get: the tests of the alert rules will fail"; return; }
  local unpacked
  unpacked=$(mktemp -d)
  if [ "$(id -u)" = 0 ] || has sudo; then refresh_package_lists; fi
  say "unpacking promtool into $tools/bin"
  (cd "$unpacked" && apt-get -qq -o APT::Sandbox::User=root download prometheus && dpkg -x ./prometheus_*.deb .)
  cp "$unpacked/usr/bin/promtool" "$tools/bin/promtool"
  rm -rf "$unpacked"
}

# The Python backend of Triton loads libpython, which the Python of a distribution may lack.
install_libpython() {
  local version prefix
  read -r version prefix < <(.venv/bin/python -c \
    'import sys; print(f"{sys.version_info[0]}.{sys.version_info[1]}", sys.base_prefix)')
  [ -e "$prefix/lib/libpython$version.so.1.0" ] && return
  # Without -q: grep would end at its first find, and with pipefail the SIGPIPE of what writes to it passes for "no".
  /sbin/ldconfig -p | grep -F "libpython$version.so.1.0" >/dev/null && return
  install "libpython$version" "libpython$version"
}

# The tests of the page skip without one. Ubuntu has it as a snap only, which does not start everywhere.
install_browser() {
  has chromium && return
  if ! has apt-get || { [ "$(id -u)" != 0 ] && ! has sudo; }; then
    say "Chromium is missing and cannot be installed here: the tests of the page will be skipped"
    return
  fi
  refresh_package_lists
  if apt-cache policy chromium | grep 'Candidate: [0-9]' >/dev/null; then
    install Chromium chromium
  else
    say "there is no package of Chromium here: the tests of the page will be skipped"
  fi
}

[ "${1:-all}" != browser ] || { install_browser; exit; }
has uv || install_uv
uv sync --frozen --all-extras
[ "${1:-all}" = environment ] && exit
[ "$(java_major)" -ge 17 ] 2>/dev/null || install "Java 17 or later" openjdk-17-jre-headless openjdk-21-jre-headless
has mvn || install Maven maven
has promtool || install_promtool
install_libpython
