# Sourced by demo/run, tests/run and .ci/run: how they speak, come by packages, and build and test a preset.
# shellcheck shell=bash disable=SC2034

say() { printf '%s\n' "$*" >&2; } # what a program prints is its own: demo/run --headless | jq
fail() {
    printf '%s: %s\n' "$0" "$*" >&2
    exit 1
}

# quietly <command>...: runs it, and shows what it said only if it fails.
quietly() {
    local output status=0
    output=$("$@" 2>&1) || status=$?
    [ $status -eq 0 ] || printf '%s\n' "$output" >&2
    return $status
}

# ---- packages, as Debian and Ubuntu call them ---------------------------------------------------------------------

build_packages=(g++ cmake ninja-build pkg-config libsdl2-dev libimgui-dev libstb-dev libgl-dev
    libcurl4-openssl-dev libenet-dev libc-ares-dev)
demo_packages=(libgl1-mesa-dri nlohmann-json3-dev libcli11-dev)
test_packages=(libgtest-dev libgmock-dev libbenchmark-dev xvfb xauth xdotool imagemagick x11-utils strace
    libglib2.0-dev libuv1-dev libasio-dev libevent-dev libev-dev libsystemd-dev nginx-light doxygen python3)
windows_packages=(g++-mingw-w64-x86-64-posix googletest wine wine64)

# need_packages <package>...: installs those that are missing. If none is, it changes nothing and needs no root.
need_packages() {
    if ! command -v dpkg >/dev/null || ! command -v apt-get >/dev/null; then
        say "This is not a Debian machine, so nothing is installed. Needed is what Debian calls: $*"
        return
    fi

    local missing=() package
    for package in "$@"; do
        dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            fail "these packages are missing, and there is no sudo to install them: ${missing[*]}"
        as_root=(sudo)
    fi
    say "Installing ${missing[*]}"
    quietly "${as_root[@]}" apt-get update ||
        fail "apt-get update failed, so these packages are still missing: ${missing[*]}"
    quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --no-install-recommends "${missing[@]}" ||
        fail "these packages could not be installed: ${missing[*]}"
}

# ---- presets ------------------------------------------------------------------------------------------------------

launcher=() # what builds and tests are started with

# build_preset <preset>
build_preset() {
    say "Building in build/$1"
    cmake --preset "$1" || fail "preset $1 can not be configured here; the reason is above"
    "${launcher[@]}" cmake --build --preset "$1" || fail "preset $1 does not build; the reason is above"
}

# test_preset <preset> [<argument of ctest>...]: windows open on an X server of the tests' own, so that
# they find it as they expect, and the mouse of whoever runs them stays where it is. (-noreset: else the server begins anew
# when its last client has gone, and refuses who comes in that moment.)
test_preset() {
    local preset=$1
    shift
    xvfb-run --auto-servernum --server-args="-screen 0 1280x800x24 -noreset" \
        "${launcher[@]}" ctest --preset "$preset" "$@" ||
        fail "tests failed under preset $preset; they are named above"
}

# test_loop_over <poller> <preset>: the tests of the loop and of the network, a program at a time. (ctest starts every test
# on its own, which is most of the time that it takes.) Not those that run over each poller by themselves, or over none.
test_loop_over() {
    local poller=$1 preset=$2
    say "Testing the loop over $poller"
    find "build/$preset/tests" -maxdepth 1 -type f -executable \
        ! -name 'test_net_stream_*' ! -name test_fuzz_loop_ops ! -name test_fuzz_frame_bytes ! -name test_fuzz_arena_messages \
        '(' -name 'test_loop_*' -o -name 'test_net_*' -o -name 'test_fuzz_*' ')' |
        IOLOOP_POLLER=$poller xargs --max-args=1 --max-procs="$(nproc)" \
            "${launcher[@]}" timeout 300 sh -c '"$0" --gtest_brief=1 --gtest_filter=-Allocations.a_million* || { echo "failed: $0" >&2; exit 1; }' ||
        fail "tests failed over $poller under preset $preset; they are named above"
}

# test_over_each_poller <preset> [<argument of ctest>...]: the loop over each poller that this kernel has, then everything over epoll.
# (The suites of the pollers themselves always run over all of them.) With arguments: what they select, over each.
test_over_each_poller() {
    local preset=$1 poller
    shift
    for poller in $("${launcher[@]}" "build/$preset/tests/idle" pollers | grep -vxE 'epoll|null'); do
        if [ $# -eq 0 ]; then
            test_loop_over "$poller" "$preset"
        else
            say "Testing over $poller"
            # Of what is selected, that over which a poller has power; there may be nothing of that.
            IOLOOP_POLLER=$poller test_preset "$preset" --label-regex 'loop|net|fuzz' --no-tests=ignore "$@"
        fi
    done
    say "Testing over epoll"
    IOLOOP_POLLER=epoll test_preset "$preset" "$@"
}
