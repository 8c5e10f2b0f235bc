# PID 1 of the holder: closes the network namespace on every start, gives its capabilities up, and waits.
# VIBEDOM_GATEWAY, VIBEDOM_RULES4 and VIBEDOM_RULES6 come from lockdown.py. Anything that fails ends the holder.
set -eu
exec 2>&1

fail() {
    echo "vibedom: not locked: $1"
    exit 1
}

# The table filter comes first and takes effect as a whole: should a later step fail, nothing gets out meanwhile.
printf '%s' "$VIBEDOM_RULES4" | iptables-restore || fail "iptables-restore refused the rules"
# Also where no interface has an IPv6 address yet: another network may be attached later.
if [ -e /proc/net/if_inet6 ]; then
    printf '%s' "$VIBEDOM_RULES6" | ip6tables-restore || fail "IPv6 is present and ip6tables-restore refused the rules"
fi
# Only so that addresses such as 198.18.0.1 route into the redirection; the rules let nothing else pass.
ip route replace default via "$VIBEDOM_GATEWAY" || fail "the default route could not be set"
echo "vibedom: locked"
exec setpriv --no-new-privs --inh-caps=-all --bounding-set=-all sleep 2147483647
