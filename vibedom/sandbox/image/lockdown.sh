# PID 1 of the holder: closes the network namespace on every start, gives its capabilities up, and waits.
# VIBEDOM_GATEWAY, VIBEDOM_RULES4 and VIBEDOM_RULES6 come from lockdown.py, VIBEDOM_SELFTEST from selftest.py. Anything
# that fails ends the holder.
set -eu
exec 2>&1

fail() {
    echo "vibedom: not locked: $1"
    exit 1
}

restore() { # PROGRAM RULES: with nf_tables, or where the kernel has none with the legacy tables
    printf '%s' "$2" | "$1-restore" || printf '%s' "$2" | "$1-legacy-restore"
}

# The table filter comes first and takes effect as a whole: should a later step fail, nothing gets out meanwhile.
restore iptables "$VIBEDOM_RULES4" || fail "iptables-restore refused the rules"
# Also where no interface has an IPv6 address yet: another network may be attached later.
if [ -e /proc/net/if_inet6 ]; then
    restore ip6tables "$VIBEDOM_RULES6" || fail "IPv6 is present and ip6tables-restore refused the rules"
fi
# Only so that addresses such as 198.18.0.1 route into the redirection; the rules let nothing else pass.
ip route replace default via "$VIBEDOM_GATEWAY" || fail "the default route could not be set"
echo "vibedom: locked"
# The attempts are the agent's: made without a capability. Who is to answer them may not be there yet.
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all bash -c "$VIBEDOM_SELFTEST
echo 'vibedom: tested'
exec sleep 2147483647"
