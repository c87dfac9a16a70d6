# shellcheck shell=bash
# MPD: on an ALSA card, or in the desktop's session. Sourced by tools/install.

mpd_drop_in=$units/mpd.service.d/moodcast.conf

set_up_speaker() {
  if [ -z "$speaker" ]; then return; fi
  step "speaker"
  if [ "$speaker" = desktop ]; then desktop_speaker; else card_speaker; fi
}

desktop_speaker() {
  [ -n "$desktop" ] || stop "no desktop that starts by itself: name an ALSA card, --speaker CARD (aplay -l)"
  local home
  home=$(getent passwd "$desktop" | cut -d: -f6)
  touches "$home/.config/mpd"
  touches "$home/.config/systemd/user/default.target.wants/mpd.service"
  touches "$home/Music"
  act runuser -u "$desktop" -- mkdir -p "$home/.config/mpd/playlists" "$home/Music"
  if [ ! -e "$home/.config/mpd/mpd.conf" ]; then
    act install -m 644 -o "$desktop" -g "$(id -gn "$desktop")" config/mpd/desktop.conf "$home/.config/mpd/mpd.conf"
  fi
  # The system's MPD would hold the port and has no way to the session's sound.
  mpd_starts disable
  # Links alone, as root has no way to the session's systemd; it sees them when the user logs in the next time.
  act runuser -u "$desktop" -- env HOME="$home" SYSTEMD_OFFLINE=1 systemctl --user enable mpd.service
  say "music starts with the next login of $desktop"
}

card_speaker() {
  touches "$etc/mpd.conf"
  touches "$mpd_drop_in"
  if [ "$dry" = yes ]; then say "would write $etc/mpd.conf for the card $speaker, and $mpd_drop_in"; else
    local made
    made=$(mktemp -d)
    sed "s/@CARD@/$speaker/" config/mpd/alsa.conf >"$made/mpd.conf"
    printf '%s\n' '# Made by Moodcast: its own settings instead of /etc/mpd.conf.' '[Service]' 'EnvironmentFile=' \
      "Environment=MPDCONF=$etc/mpd.conf" >"$made/moodcast.conf"
    place 644 "$made/mpd.conf" "$etc/mpd.conf"
    place 644 "$made/moodcast.conf" "$mpd_drop_in"
    rm -r "$made"
  fi
  mpd_starts enable
  if systemd_running; then
    act systemctl daemon-reload
    act systemctl restart mpd.service
  fi
}

# mpd_starts enable|disable: MPD with the system. Its socket never: systemd would listen on every address in its place,
# whatever `bind_to_address` says.
mpd_starts() {
  local folder
  for folder in /etc/rc[0-6S].d; do touches "$folder"; done # systemctl keeps the links of MPD's old script in step
  touches "$units/multi-user.target.wants/mpd.service"
  touches "$units/sockets.target.wants/mpd.socket"
  act systemctl --quiet "$1" mpd.service
  act systemctl --quiet disable mpd.socket
  if systemd_running; then act systemctl stop mpd.socket mpd.service; fi
}

remove_speaker() {
  local home
  if [ -e "$mpd_drop_in" ]; then
    act rm -f "$mpd_drop_in"
    act rmdir --ignore-fail-on-non-empty "$units/mpd.service.d"
    mpd_starts disable
  fi
  for home in /home/*; do # MPD itself and the music stay, and settings that somebody has changed
    if ! cmp -s config/mpd/desktop.conf "$home/.config/mpd/mpd.conf"; then continue; fi
    act rm -f "$home/.config/mpd/mpd.conf" "$home/.config/systemd/user/default.target.wants/mpd.service"
    act rmdir --ignore-fail-on-non-empty "$home/.config/mpd/playlists" "$home/.config/mpd"
  done
}
