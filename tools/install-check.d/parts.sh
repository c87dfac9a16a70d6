# shellcheck shell=bash
# The ways of tools/install beside the common one. Sourced by tools/install-check, which has the words used here.

online=(PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels)

# picamera2's place is taken by a module that, as the real one, refuses another numpy than the one it was made with.
picamera2() {
  inside env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-numpy >"$work/numpy.log" 2>&1
  mkdir -p "$work/deb/DEBIAN" "$work/deb/usr/lib/python3/dist-packages"
  printf '%s\n' 'Package: python3-picamera2' 'Version: 0' 'Architecture: all' 'Maintainer: check <check@example.invalid>' \
    'Depends: python3-numpy' 'Description: stand-in' >"$work/deb/DEBIAN/control"
  printf '%s\n' 'import numpy' "if numpy.__version__ != '$(inside python3 -c 'import numpy; print(numpy.__version__)')':" \
    '    raise ValueError("numpy.dtype size changed, may indicate binary incompatibility")' \
    >"$work/deb/usr/lib/python3/dist-packages/picamera2.py"
  dpkg-deb --build "$work/deb" "$root/tmp/picamera2.deb" >/dev/null
  inside dpkg -i /tmp/picamera2.deb >"$work/deb.log" 2>&1
  installer "picamera2: install" 0 checkout --offline /wheels
  result "picamera2: pairing" ok "$(grep 'in one process' "$work/picamera2: install.log" | tail -n1)"
  installer "picamera2: removal" 0 checkout --remove --purge
  inside dpkg -P python3-picamera2 >>"$work/deb.log" 2>&1
}

# A way that was gone once, so that its packages are there: removal, installation and removal again, file by file.
there_and_back() { # NAME ARGUMENTS...
  local name=$1
  shift
  files "$name-clean"
  installer "$name: install" 0 checkout --offline /wheels "$@"
  files "$name-installed"
  only_listed "$name: kept to its list" "$name-clean" "$name-installed" "$name: install"
}

gone_again() { # NAME
  installer "$1: removal with --purge" 0 checkout --remove --purge
  files "$1-removed"
  no_change "$1: nothing is left" "$1-clean" "$1-removed"
}

units_hold() { # NAME UNIT...
  local name=$1
  shift
  holds "$name: systemd accepts the units" systemd-analyze verify --man=no "$@"
}

jetson() {
  echo '# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64' >"$root/etc/nv_tegra_release"
  with=("${online[@]}")
  installer "jetson: install, packages from apt" 0 checkout
  with=()
  holds "jetson: GStreamer's bindings in the environment" /opt/moodcast/current/bin/python -c \
    'import gi; gi.require_version("Gst", "1.0"); from gi.repository import Gst; print(Gst.version_string())'
  units_hold jetson moodcast-sense.service moodcast-companion.service
  holds "jetson: drop-in for NVIDIA's camera" grep -q nvmap /etc/systemd/system/moodcast-sense.service.d/jetson.conf
  installer "jetson: removal with --purge" 0 checkout --remove --purge
  rm "$root/etc/nv_tegra_release"
}

kiosk() {
  local way=(--broker local --preset kiosk --no-picamera2 --kiosk --rotation 90 --speaker Headphones --hours "Mon-Sun 00:00-24:00")
  with=("${online[@]}")
  installer "kiosk: install, packages from apt" 0 checkout "${way[@]}"
  with=()
  installer "kiosk: removal with --purge" 0 checkout --remove --purge
  there_and_back kiosk "${way[@]}"
  # shellcheck disable=SC2016
  holds "kiosk: programs are there" sh -c 'for p in cage Xwayland seatd wlr-randr chromium mpd; do command -v $p || exit 1; done | xargs'
  units_hold kiosk moodcast-sense.service moodcast-companion.service moodcast-kiosk.service moodcast-hours.service \
    moodcast-hours.timer mpd.service
  holds "kiosk: rotation" grep MOODCAST_ROTATION=90 /etc/moodcast/kiosk.env
  holds "kiosk: MPD's own settings, its socket is off" sh -c 'grep -q CARD=Headphones /etc/moodcast/mpd.conf &&
    ! systemctl --quiet is-enabled mpd.socket && systemctl is-enabled mpd.service'
  gone_again kiosk
}

desktop() {
  local home=/home/pi
  printf '#!/bin/sh\n' >"$root/usr/bin/labwc"
  chmod 755 "$root/usr/bin/labwc"
  mkdir -p "$root/etc/lightdm"
  printf '[Seat:*]\nautologin-user=pi\n' >"$root/etc/lightdm/lightdm.conf"
  inside useradd --create-home pi
  with=("${online[@]}")
  installer "desktop: install, packages from apt" 0 checkout --broker local --no-picamera2 --kiosk --speaker
  with=()
  installer "desktop: removal with --purge" 0 checkout --remove --purge
  there_and_back desktop --broker local --no-picamera2 --kiosk --rotation 270 --speaker
  holds "desktop: the session starts the kiosk" sh -c "sh -n $home/.config/labwc/autostart && grep -c moodcast $home/.config/labwc/autostart"
  holds "desktop: the session starts MPD" readlink -e $home/.config/systemd/user/default.target.wants/mpd.service
  holds "desktop: it is all the user's own" sh -c "test -z \"\$(find $home ! -user pi)\""
  # Without a session there is no PipeWire: that output is replaced, the rest stands as installed.
  holds "desktop: MPD takes its settings" runuser -u pi -- sh -c "mkdir -p /tmp/mpd/playlists &&
    sed 's/\"pipewire\"/\"null\"/; s/6600/16600/; s#~/.config/mpd#/tmp/mpd#' $home/.config/mpd/mpd.conf >/tmp/mpd/mpd.conf &&
    timeout 3 mpd --no-daemon --stderr /tmp/mpd/mpd.conf; test \$? = 124"
  gone_again desktop
  inside userdel --remove pi 2>/dev/null
  rm "$root/usr/bin/labwc" "$root/etc/lightdm/lightdm.conf"
}

booted() {
  local name state detail packages=(systemd-sysv dbus iproute2 grim python3-systemd)
  inside env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mosquitto cage xwayland seatd wlr-randr \
    chromium mpd "${packages[@]}" >"$work/booted-apt.log" 2>&1
  break_it '__import__("time").sleep(100)'
  cp tools/install-check.d/booted "$root/booted"
  printf '%s\n' '[Unit]' 'After=multi-user.target dbus.service seatd.service' '[Service]' 'Type=oneshot' 'TimeoutStartSec=infinity' \
    'ExecStart=/booted' 'StandardOutput=truncate:/booted.out' 'StandardError=truncate:/booted.err' >"$root/etc/systemd/system/booted.service"
  mkdir -p "$root/etc/systemd/system/default.target.wants"
  ln -sf ../booted.service "$root/etc/systemd/system/default.target.wants/"
  rm -f "$root/usr/sbin/policy-rc.d"
  umount_all
  # A /run of its own: nspawn wants one in memory. --keep-unit, --register=no: this machine may have no systemd running.
  # --private-network: ports are free, and addresses that are not local can be tried without leaving this machine.
  unshare --mount sh -c 'mount -t tmpfs none /run &&
    timeout 2400 systemd-nspawn --quiet --register=no --keep-unit --private-network -D "$0" -b' "$root" >"$work/booted.log" 2>&1 </dev/null || result "booted: the system ran and ended" FAILED "$(tail -n1 "$work/booted.log")"
  mount_all
  while IFS=$'\t' read -r name state detail; do result "booted: $name" "$state" "$detail"; done <"$root/booted.out"
  if ! grep -q '^end' "$root/booted.out"; then result "booted: went to its end" FAILED "see $root/booted.out"; fi
  cp "$root/kiosk.png" "$work/" || true
}
