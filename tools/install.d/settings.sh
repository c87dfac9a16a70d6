# shellcheck shell=bash
# /etc/moodcast, the users, the broker. Sourced by tools/install.

make_users() {
  step "users"
  local file
  for file in passwd group shadow gshadow; do # and the copies that useradd leaves beside them
    touches "/etc/$file"
    touches "/etc/$file-"
  done
  make_user moodcast video
  if [ "$kiosk" = yes ] && [ -z "$desktop" ]; then make_user moodcast-kiosk video,render; fi
}

make_user() {
  local name=$1 groups=() group
  for group in ${2//,/ }; do
    if getent group "$group" >/dev/null; then groups+=("$group"); fi
  done
  if ! getent passwd "$name" >/dev/null; then
    # No home: useradd would leave /etc/skel's files there.
    act useradd --system --user-group --no-create-home --home-dir "/var/lib/$name" --shell /usr/sbin/nologin "$name"
  else
    say "$name is there"
  fi
  for group in "${groups[@]}"; do
    if ! id -nG "$name" 2>/dev/null | tr ' ' '\n' | grep -qx "$group"; then act usermod --append --groups "$group" "$name"; fi
  done
}

# set_key FILE SECTION.KEY=VALUE...
set_key() { act /usr/bin/python3 tools/install.d/settings.py "$@"; }

make_settings() {
  step "configuration"
  touches "$etc"
  touches "$state"
  [ -d "$etc" ] || act install -d -m 755 "$etc"
  local folder
  for folder in "$etc/secrets" "$state"; do
    [ -d "$folder" ] || act install -d -m 700 -o moodcast -g moodcast "$folder"
  done
  if [ -e "$etc/moodcast.yaml" ]; then
    say "kept: $etc/moodcast.yaml"
  else
    act install -m 644 "config/$preset.yaml" "$etc/moodcast.yaml"
    # The preset is for a Pi's camera module; where that is not used, the camera is one at USB.
    if [ "$preset" = kiosk ] && [ "$picamera2" = no ]; then set_key "$etc/moodcast.yaml" camera.source=v4l2; fi
  fi
  if [ "$broker" = local ]; then
    set_key "$etc/moodcast.yaml" 'mqtt.host="127.0.0.1"' mqtt.username=moodcast "mqtt.password_file=$etc/secrets/mqtt_password"
  elif [ -n "$broker" ]; then
    set_key "$etc/moodcast.yaml" "mqtt.host=\"$broker\"" ${broker_port:+"mqtt.port=$broker_port"}
  fi
  if [ -n "$speaker" ]; then set_key "$etc/moodcast.yaml" speaker.player=mpd; fi
}

# The configuration as it was, before a newer version renames keys in it. One backup for each version left behind.
back_up_settings() {
  local from=$1
  touches "$etc/backup"
  act install -d -m 700 "$etc/backup"
  if [ -e "$etc/moodcast.yaml" ]; then act cp -p "$etc/moodcast.yaml" "$etc/backup/moodcast.yaml.$from"; fi
}

check_settings() {
  local target=$1
  step "check-config with the new version"
  act runuser -u moodcast -- env -C / PYTHONDONTWRITEBYTECODE=1 "$target/bin/moodcast" check-config "$etc/moodcast.yaml"
}

new_password() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

set_up_broker() {
  if [ "$broker" != local ]; then return; fi
  step "broker on this device"
  local other
  other=$(grep -lsE '^[[:space:]]*(listener|port|password_file|acl_file|allow_anonymous)' /etc/mosquitto/mosquitto.conf \
    /etc/mosquitto/conf.d/*.conf | grep -v '/moodcast.conf$' || true)
  if [ -n "$other" ]; then
    stop "mosquitto is set up already ($(xargs <<<"$other")): give Moodcast a user there, and use --broker 127.0.0.1"
  fi
  local file
  for file in conf.d/moodcast.conf moodcast.acl moodcast.passwd; do touches "/etc/mosquitto/$file"; done
  place 644 config/broker/moodcast.conf /etc/mosquitto/conf.d/moodcast.conf
  place 644 config/broker/moodcast.acl /etc/mosquitto/moodcast.acl
  broker_user moodcast mqtt_password
  broker_user integrator integrator_password
  if [ "$dry" != yes ] && getent group mosquitto >/dev/null; then
    chown root:mosquitto /etc/mosquitto/moodcast.passwd
    chmod 640 /etc/mosquitto/moodcast.passwd
  fi
  systemd_running && act systemctl restart mosquitto
  say "for Home Assistant and your own code: user integrator, password: sudo cat $etc/secrets/integrator_password"
}

# broker_user NAME FILE: a password made once, kept in FILE for its user alone, known to mosquitto as a hash.
broker_user() {
  local name=$1 file=$etc/secrets/$2
  if [ "$dry" = yes ]; then say "would make a password for the broker's user $name in $file (0600, moodcast)"; return; fi
  if [ ! -s "$file" ]; then
    (umask 077 && new_password >"$file")
    chown moodcast:moodcast "$file"
  fi
  if ! grep -qs "^$name:" /etc/mosquitto/moodcast.passwd; then
    (umask 077 && touch /etc/mosquitto/moodcast.passwd)
    # Through a file: a password in the arguments would stand in the list of processes.
    local plain
    plain=$(mktemp)
    printf '%s:%s\n' "$name" "$(cat "$file")" >"$plain"
    mosquitto_passwd -U "$plain"
    cat "$plain" >>/etc/mosquitto/moodcast.passwd
    rm -f "$plain"
  fi
}
