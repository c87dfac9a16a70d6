# shellcheck shell=bash
# What machine this is, and whether Moodcast runs there. Sourced by tools/install.

# problem ARCHITECTURE CODENAME L4T GLIBC PYTHON: prints why not, by name, and nothing where it runs.
# ARCHITECTURE as dpkg says it (a 64-bit kernel may carry a 32-bit system); L4T: NVIDIA's release number, 0 elsewhere.
problem() {
  local architecture=$1 codename=$2 l4t=$3 glibc=$4 python=$5
  case $architecture in
    amd64 | arm64) ;;
    *) echo "this system is 32-bit ($architecture): there are no packages of the inference runtime for it; write Raspberry Pi OS (64-bit) to the card" ;;
  esac
  case $codename in
    buster | bullseye) echo "this is Debian or Raspberry Pi OS ${codename^}: its libraries are too old; take Bookworm or Trixie" ;;
  esac
  if [ "$l4t" -gt 0 ] && [ "$l4t" -lt 36 ]; then
    echo "this is JetPack 5 or older (L4T $l4t): the inference runtime has no packages for it; take JetPack 6 or 7"
  fi
  if ! at_least "$glibc" 2.34; then
    echo "glibc $glibc is older than 2.34, which the inference runtime needs: take Debian 12, Ubuntu 22.04 or later"
  fi
  if ! at_least "$python" 3.10 || at_least "$python" 3.14; then
    echo "Python $python: Moodcast needs 3.10 to 3.13"
  fi
}

# at_least VERSION MINIMUM
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }

# l4t_release FILE: its first line there is like `# R36 (release), REVISION: 4.3, ...`.
l4t_release() { sed -n 's/^# R\([0-9]*\).*/\1/p' "$1" 2>/dev/null | grep . || echo 0; }

glibc_version() { getconf GNU_LIBC_VERSION | cut -d' ' -f2; }

# Of the system's Python, which the environment is made with: another one may stand before it in PATH.
python_version() { /usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo 0; }

# Prints what system this is, in words, and whether it is one that the installer was made for.
system_name() {
  local name codename=$1 l4t=$2
  name=$(. /etc/os-release && echo "$PRETTY_NAME")
  if [ -e /etc/rpi-issue ]; then
    echo "Raspberry Pi OS ($codename)"
  elif [ "$l4t" -gt 0 ]; then
    echo "JetPack (L4T $l4t)"
  elif [ "$codename" = bookworm ] || [ "$codename" = trixie ]; then
    echo "$name"
  else
    echo "$name, for which the installer was not made; going on, since nothing speaks against it"
  fi
}

# The user whose desktop session starts by itself; nothing on a system without a desktop.
desktop_user() {
  command -v labwc >/dev/null || return 0
  sed -n 's/^autologin-user=//p' /etc/lightdm/lightdm.conf 2>/dev/null | head -n1
}
