# shellcheck shell=bash
# Units, the switch from one version to the next, and back. Sourced by tools/install.

systemd_running() { [ -d /run/systemd/system ]; }

daemons=(moodcast-sense.service moodcast-companion.service)
all_units=("${daemons[@]}" moodcast-kiosk.service moodcast-hours.service moodcast-hours.timer)

# Copies of the version's own units, so that going back brings back the units too.
install_units() {
  local from=$1 unit
  for unit in "${all_units[@]}"; do
    touches "$units/$unit"
    place 644 "$from/$unit" "$units/$unit"
  done
  if at_least "$(systemctl --version | awk 'NR == 1 { print $2 }')" 254; then
    for unit in "${daemons[@]}" moodcast-kiosk.service; do drop_in "$unit" backoff.conf "$from"; done
  fi
  if [ "$l4t" -gt 0 ]; then drop_in moodcast-sense.service jetson.conf "$from"; fi
  if [ -e "$etc/hours" ]; then
    for unit in moodcast-sense.service moodcast-kiosk.service; do drop_in "$unit" hours.conf "$from"; done
  fi
  reach_broker "$from"
  if systemd_running; then act systemctl daemon-reload; fi
}

drop_in() {
  touches "$units/$1.d/$2"
  # A version to go back to may be older than this drop-in, and its units do without.
  if [ "$dry" != yes ] && [ ! -e "$3/$2" ]; then return; fi
  place 644 "$3/$2" "$units/$1.d/$2"
}

# The camera's unit reaches local networks only; with a broker elsewhere a drop-in opens it. The host stands in the
# configuration, so running the installer again after a change there is enough.
reach_broker() {
  local host=$broker file=$units/moodcast-sense.service.d/public-broker.conf
  if [ "$host" = local ]; then host=127.0.0.1; fi
  if [ -z "$host" ] && [ -e "$etc/moodcast.yaml" ]; then
    host=$(/usr/bin/python3 tools/install.d/settings.py "$etc/moodcast.yaml" --get mqtt.host)
  fi
  if /usr/bin/python3 tools/install.d/is_local.py "${host:-127.0.0.1}" systemd/moodcast-sense.service; then
    if [ -e "$file" ]; then act rm -f "$file"; fi
    return
  fi
  say "the broker $host is not in a local network: moodcast-sense may reach every address"
  drop_in moodcast-sense.service public-broker.conf "$1"
}

switch_to() {
  touches "$prefix/current"
  link "$1" "$prefix/current"
}

enable_units() {
  local unit wanted=("${daemons[@]}")
  step "units"
  if [ "$kiosk" = yes ] && [ -z "$desktop" ]; then wanted+=(moodcast-kiosk.service); fi
  if [ -e "$etc/hours" ] || [ -n "$hours" ]; then wanted+=(moodcast-hours.timer); fi
  for unit in "${wanted[@]}"; do
    case $unit in
      *.timer) touches "$units/timers.target.wants/$unit" ;;
      *) touches "$units/multi-user.target.wants/$unit" ;;
    esac
    act systemctl enable --quiet "$unit"
    # The daemons are started when READY is awaited. The timer here, and with the hours as they are now.
    if [[ $unit == *.timer ]] && systemd_running; then act systemctl restart "$unit"; fi
  done
  touches /usr/local/bin/moodcast
  link "$prefix/current/bin/moodcast" /usr/local/bin/moodcast
}

# Exit 0 when both daemons said READY in time.
wait_ready() {
  local unit
  step "READY of both daemons within $ready_s s"
  if systemd_running; then
    for unit in "${daemons[@]}"; do
      act timeout "$ready_s" systemctl restart "$unit" || return 1
      if [ "$dry" = yes ]; then continue; fi
      # Outside the opening hours the start is skipped, and that is right.
      if ! systemctl --quiet is-active "$unit" && [ "$(systemctl show -P Result "$unit")" != exec-condition ]; then return 1; fi
    done
    return 0
  fi
  say "systemd does not run here: each daemon is started once to see READY, and ended again; they start with the system"
  for unit in sense companion; do
    act runuser -u moodcast -- env -C / STATE_DIRECTORY="$state" PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$wait_program" \
      "$ready_s" "$prefix/current/bin/moodcast" "$unit" --config "$etc/moodcast.yaml" || return 1
  done
}

# Back to the version before, with its units and the configuration as it was.
roll_back() {
  local from=$1 failed=$2
  say "READY did not come: going back to $(basename "$from")"
  if [ -e "$etc/backup/moodcast.yaml.$(basename "$from")" ]; then
    act cp -p "$etc/backup/moodcast.yaml.$(basename "$from")" "$etc/moodcast.yaml"
  fi
  switch_to "$from"
  install_units "$from/systemd"
  act rm -rf "$failed"
  if wait_ready; then
    stop "the new version did not start; the one before runs again, with its configuration. The log: journalctl -u moodcast-sense"
  fi
  stop "neither version starts: journalctl -u moodcast-sense -u moodcast-companion, then moodcast doctor --config $etc/moodcast.yaml"
}

set_up_kiosk() {
  if [ "$kiosk" != yes ]; then return; fi
  step "kiosk"
  touches "$etc/kiosk.env"
  if [ ! -e "$etc/kiosk.env" ]; then
    if [ "$dry" = yes ]; then say "would write $etc/kiosk.env"; else
      printf '%s\n' '# The kiosk: systemd/moodcast-kiosk says what each value does.' 'MOODCAST_PAGE=http://127.0.0.1:8080/' \
        "MOODCAST_ROTATION=${rotation:-0}" '# MOODCAST_BROWSER_FLAGS="--force-device-scale-factor=1.5"' >"$etc/kiosk.env"
    fi
  elif [ -n "$rotation" ] && ! grep -qx "MOODCAST_ROTATION=$rotation" "$etc/kiosk.env"; then
    act sed -i "s/^MOODCAST_ROTATION=.*/MOODCAST_ROTATION=$rotation/" "$etc/kiosk.env"
  fi
  if [ -n "$desktop" ]; then desktop_kiosk; elif systemd_running; then
    act systemctl enable --now seatd.service
    act systemctl restart moodcast-kiosk.service
  fi
}

# The desktop's session starts the helper; blanking is switched off with the system's own tool where it has one.
desktop_kiosk() {
  local home file
  home=$(getent passwd "$desktop" | cut -d: -f6)
  file=$home/.config/labwc/autostart
  touches "$file"
  if ! grep -qs moodcast-kiosk "$file"; then
    act runuser -u "$desktop" -- mkdir -p "$home/.config/labwc"
    if [ "$dry" = yes ]; then say "would add the kiosk to $file"; else
      # shellcheck disable=SC2016 # expanded by the session's shell
      printf '%s\n' '# moodcast: begin' 'set -a; . /etc/moodcast/kiosk.env; set +a' \
        'export XCURSOR_PATH=/opt/moodcast/current/libexec/icons XCURSOR_THEME=moodcast-none' \
        '[ "$MOODCAST_ROTATION" = 0 ] || for o in $(wlr-randr | grep -o "^[^ ]*"); do wlr-randr --output "$o" --transform "$MOODCAST_ROTATION"; done' \
        '/opt/moodcast/current/libexec/moodcast-kiosk --desktop &' '# moodcast: end' >>"$file"
      chown "$desktop": "$file"
    fi
  fi
  if command -v raspi-config >/dev/null; then act raspi-config nonint do_blanking 1; fi
}

set_up_hours() {
  if [ -z "$hours" ] && [ ! -e "$etc/hours" ]; then return; fi
  step "opening hours"
  touches "$etc/hours"
  touches "$units/moodcast-hours.timer.d/hours.conf"
  if [ "$dry" = yes ]; then say "would write $etc/hours: $hours"; return; fi
  if [ -n "$hours" ]; then tr ';' '\n' <<<"$hours" | sed 's/^ *//' >"$etc/hours"; fi
  install -d "$units/moodcast-hours.timer.d"
  systemd/moodcast-hours timer >"$units/moodcast-hours.timer.d/hours.conf"
}

# The version before stays for a way back by hand; older ones go.
remove_old_versions() {
  local keep=$1 before=$2 folder
  for folder in "$prefix"/*/; do
    folder=${folder%/}
    if [ -L "$folder" ] || [ "$folder" = "$keep" ] || [ "$folder" = "$before" ] || [ ! -d "$folder" ]; then continue; fi
    act rm -rf "$folder"
  done
}

remove_all() {
  local path unit
  step "removing Moodcast"
  for unit in "${all_units[@]}"; do
    if [ -e "$units/$unit" ]; then
      if systemd_running; then act systemctl stop "$unit"; fi
      act systemctl disable --quiet "$unit"
      # One that failed would stay in systemd's list, without its file.
      if systemd_running; then act systemctl reset-failed "$unit" 2>/dev/null || true; fi
    fi
    act rm -rf "${units:?}/$unit" "${units:?}/$unit.d"
  done
  act rm -f /usr/local/bin/moodcast
  remove_speaker
  if [ -e /etc/mosquitto/conf.d/moodcast.conf ]; then
    act rm -f /etc/mosquitto/conf.d/moodcast.conf /etc/mosquitto/moodcast.acl /etc/mosquitto/moodcast.passwd
    if systemd_running; then act systemctl try-restart mosquitto; fi
  fi
  for path in /home/*/.config/labwc/autostart; do
    if ! grep -qs '^# moodcast: begin' "$path"; then continue; fi
    act sed -i '/^# moodcast: begin/,/^# moodcast: end/d' "$path"
    if [ ! -s "$path" ]; then act rm "$path"; fi
  done
  act rm -rf "$prefix"
  if systemd_running; then act systemctl daemon-reload; fi
  if [ "$purge" = yes ]; then
    act rm -rf "$etc" "$state"
    for unit in moodcast moodcast-kiosk; do
      if getent passwd "$unit" >/dev/null; then act userdel "$unit"; fi
    done
  else
    say "kept: $etc, $state and the users that own them; --purge removes them too"
  fi
  say "Debian packages stay; apt-get autoremove and apt-get remove are yours"
}
