#!/bin/sh
# Install the Debian packages of the test lab. Without the rights to do so, say in one line what is missing and leave
# with 3: the lab's tests are then skipped and everything else goes on.
set -eu
here=$(dirname "$0")

if ! command -v dpkg-query >/dev/null; then
    echo "The test lab needs Debian or Ubuntu; its tests are skipped here."
    exit 3
fi

missing=""
for package in $(grep -v '^#' "$here/packages.txt"); do
    state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
    case $state in
    ii*) ;;
    *) missing="$missing $package" ;;
    esac
done
if [ -z "$missing" ]; then
    exit 0
fi

if [ "$(id -u)" = 0 ]; then
    run=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    run="sudo -n"
else
    echo "The test lab is missing:$missing (sudo apt-get install$missing)"
    exit 3
fi

# The lab starts its own daemons: the packages must not start theirs, nor keep them for the next boot.
policy=/usr/sbin/policy-rc.d
made_policy=""
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $run tee "$policy" >/dev/null
    $run chmod 755 "$policy"
    made_policy=yes
fi
status=0
# shellcheck disable=SC2086  # $run and $missing are lists of words
{ $run env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    $run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null || status=3
if [ -n "$made_policy" ]; then
    $run rm -f "$policy"
fi
if [ "$status" != 0 ]; then
    echo "The test lab is missing:$missing (apt-get could not install them)"
fi
exit $status
