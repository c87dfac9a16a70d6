# shellcheck shell=bash
# One folder for each version below /opt/moodcast, with its virtual environment. Sourced by tools/install.

needed_packages() {
  echo python3-venv
  if [ "$picamera2" = yes ]; then echo python3-picamera2; fi
  if [ "$l4t" -gt 0 ]; then printf '%s\n' python3-gi gir1.2-gstreamer-1.0 gir1.2-gst-plugins-base-1.0; fi
  if [ "$broker" = local ]; then echo mosquitto; fi
  if [ "$kiosk" = yes ]; then
    # Raspberry Pi OS Bookworm calls it otherwise.
    if apt-cache show chromium >/dev/null 2>&1; then echo chromium; else echo chromium-browser; fi
    # cage of Bookworm ends where there is no Xwayland, and only recommends it.
    echo wlr-randr
    if [ -z "$desktop" ]; then printf '%s\n' cage xwayland seatd; fi
  fi
  if [ -n "$speaker" ]; then echo mpd; fi
}

installed() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'install ok installed'; }

# python3-systemd is wanted, not needed: without it the log goes through standard error, without priorities.
install_packages() {
  local package missing=()
  step "Debian packages"
  for package in $(needed_packages) python3-systemd; do
    installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then say "all there: $(needed_packages | xargs) python3-systemd"; return; fi
  if [ -n "$wheels" ]; then
    if [ "${missing[*]}" != python3-systemd ]; then stop "--offline: install these first: apt-get install ${missing[*]}"; fi
    say "python3-systemd is not there: the log will have no priorities. For them: apt-get install it, run this again"
    journal=no
    return
  fi
  act apt-get update -qq
  # Recommended packages of picamera2 and Chromium are a desktop's.
  act env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# picamera2 from apt wants the system's packages and the system's numpy; GStreamer's bindings the former.
system_packages() { [ "$picamera2" = yes ] || [ "$l4t" -gt 0 ]; }

system_numpy() { /usr/bin/python3 -c 'import numpy; print(numpy.__version__)' 2>/dev/null; }

# The folder's name: what is installed, and into what. The same name is the same content.
version_name() {
  local version digest
  version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' edge/__init__.py)
  digest=$( (
    find edge models config systemd tools/install.d requirements/run.lock pyproject.toml -type f \
      -not -path '*/__pycache__/*' -not -path '*/.*' -print0 | sort -z | xargs -0 sha256sum
    echo "$python $picamera2 $l4t"
    if [ "$picamera2" = yes ]; then system_numpy; fi
  ) | sha256sum | cut -c1-8)
  echo "$version-$digest"
}

build_environment() {
  local target=$1 pip
  step "environment $target"
  touches "$target"
  if [ -e "$target/.complete" ]; then say "already there"; return; fi
  if [ -e "$target" ]; then act rm -rf "$target"; fi # of a run that was interrupted
  if system_packages; then
    act /usr/bin/python3 -m venv --system-site-packages "$target"
  else
    act /usr/bin/python3 -m venv "$target"
  fi
  pip=("$target/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir)
  if [ -n "$wheels" ]; then pip+=(--no-index --find-links "$wheels"); fi
  if [ "$dry" != yes ]; then
    mkdir "$target/source"
    cp -r edge models config systemd pyproject.toml README.md LICENSE "$target/source"
    find "$target/source" -name __pycache__ -prune -exec rm -rf {} +
  fi
  if [ "$picamera2" = yes ]; then
    say "picamera2 is compiled against the system's numpy $(system_numpy): that version stays"
    if [ "$dry" != yes ]; then
      "$target/bin/python" tools/install.d/constraints.py requirements/run.lock "$(system_numpy)" >"$target/constraints.txt"
    fi
    act "${pip[@]}" --constraint "$target/constraints.txt" "$target/source[companion]"
  else
    act "${pip[@]}" --require-hashes --requirement requirements/run.lock
    act "${pip[@]}" --no-deps "$target/source"
  fi
  act mkdir "$target/libexec"
  act cp systemd/moodcast-kiosk systemd/moodcast-hours tools/install.d/check_pairing.py "$target/libexec/"
  act chmod 755 "$target/libexec/moodcast-kiosk" "$target/libexec/moodcast-hours"
  act "$target/bin/python" tools/install.d/cursor.py "$target/libexec/icons"
  act cp -r systemd "$target/systemd"
  act rm -rf "$target/source"
}

# python3-systemd from apt, of the system's packages that one alone, where the environment does not see them all. The link
# is made on each run: the package may have come after the environment.
link_journal() {
  if [ "$journal" = no ] || system_packages; then return; fi
  link /usr/lib/python3/dist-packages/systemd "$1/lib/python$python/site-packages/systemd"
}

# Everything that must fit together, in one process, as the service's user.
check_environment() {
  local target=$1 wanted=()
  step "imports in one process, as the service's user"
  if [ "$picamera2" = yes ]; then wanted+=(picamera2); fi
  act runuser -u moodcast -- env -C / PYTHONDONTWRITEBYTECODE=1 \
    "$target/bin/python" "$target/libexec/check_pairing.py" "${wanted[@]}" ||
    stop "the new environment does not work; nothing was switched. It stays for a look: $target"
  act touch "$target/.complete"
}
