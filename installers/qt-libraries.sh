#!/usr/bin/env bash
# Installs the system libraries that Qt wants, when that is allowed; else names them in one line and goes on.
set -uo pipefail
cd "$(dirname "$0")/.."
packages="libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1
 libxcb-shape0 libxcb-image0 libxcb-render-util0 libxcb-xinerama0"

[ "$(uname -s)" = Linux ] || exit 0
complete() { # Qt loads, and its plugin for a real screen finds all that it is linked with
  .venv/bin/python -c 'import PySide6.QtGui, PySide6.QtWidgets' 2>/dev/null || return 1
  plugin=$(.venv/bin/python -c 'import PySide6.QtCore as qt; print(qt.QLibraryInfo.path(qt.QLibraryInfo.LibraryPath.PluginsPath))')
  missing=$(ldd "$plugin/platforms/libqxcb.so" 2>/dev/null | awk '/not found/ {print $1}')
  [ -z "$missing" ]
}
complete && exit 0
run=""
[ "$(id -u)" = 0 ] || run="sudo -n"
if command -v apt-get >/dev/null 2>&1 && { [ -z "$run" ] || sudo -n true 2>/dev/null; }; then
  echo "Installing the system libraries that the window needs …" >&2
  # shellcheck disable=SC2086  # a list of names
  { $run apt-get update -qq && DEBIAN_FRONTEND=noninteractive $run apt-get install -y -qq --no-install-recommends $packages; } >/dev/null 2>&1
fi
complete ||
  echo "The window needs these system libraries:" $packages "(sudo apt-get install …)${missing:+; missing:} ${missing//$'\n'/, }." \
    "Everything else works without." >&2
exit 0
