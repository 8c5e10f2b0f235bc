# Attempts of the self-test, made inside the sandbox's network namespace. Needs bash, curl, timeout, head and od.
# Prints one line for each: NAME OUTCOME MILLISECONDS. VIBEDOM_* variables come from selftest.py.

attempt() { # NAME COMMAND...
    local name=$1 begin=${EPOCHREALTIME/./} outcome
    shift
    outcome=$("$@" 2>/dev/null) || outcome="no:$?"
    printf '%s %s %d\n' "$name" "${outcome:-empty}" $(((${EPOCHREALTIME/./} - begin) / 1000))
}

connect() { # HOST PORT
    timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1" && echo open' "$1" "$2"
}

send() { # HOST PORT: what the kernel refuses to send fails here; what it sends, the bait sees
    timeout 3 bash -c 'exec 3<>"/dev/udp/$0/$1" && printf x >&3 && echo sent' "$1" "$2"
}

proxy() {
    curl --silent --max-time "$VIBEDOM_PATIENCE" --proxy "$VIBEDOM_PROXY" http://vibedom.invalid/selftest
}

ask() { # ADDRESS SECONDS: a question for selftest.vibedom.invalid; the answer is shown as its first 12 bytes
    timeout "$2" bash -c '
        exec 3<>"/dev/udp/$0/53"
        printf "\x56\x44\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x08selftest\x07vibedom\x07invalid\x00\x00\x01\x00\x01" >&3
        head -c 12 <&3 | od -An -v -tx1 | tr -d " \n"' "$1"
}

resolver() { # asks again and again: the kernel forgets after half a minute where an answer has to go
    local end=$((SECONDS + VIBEDOM_PATIENCE))
    while [ "$SECONDS" -lt "$end" ]; do
        ask "$1" $((VIBEDOM_PATIENCE < 20 ? VIBEDOM_PATIENCE : 20)) && return
    done
    return 124
}

attempt proxy proxy &
attempt resolver resolver "$VIBEDOM_GATEWAY" &
attempt public-tcp connect 1.1.1.1 22 &
attempt public-udp send 1.1.1.1 443 &
attempt public-ipv6 connect 2606:4700:4700::1111 443 &
attempt gateway-tcp connect "$VIBEDOM_GATEWAY" "$VIBEDOM_BAIT_TCP" &
attempt gateway-udp send "$VIBEDOM_GATEWAY" "$VIBEDOM_BAIT_UDP" &
attempt engine-resolver-tcp connect 127.0.0.11 53 &
attempt engine-resolver-udp send 127.0.0.11 53 &
wait
