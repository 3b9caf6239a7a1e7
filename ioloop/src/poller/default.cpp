// SPDX-License-Identifier: MIT
/// Which pollers there are. The only place that names platforms; a backend has no header, so nothing can reach
/// past this list into one.
#include "../raise.hpp"

#include <ioloop/poller.hpp>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace ioloop {

// IOLOOP_KQUEUE_EMULATION: the tests bring a kqueue along that is not the system's.
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) ||             \
    defined(__DragonFly__) || defined(IOLOOP_KQUEUE_EMULATION)
#define IOLOOP_HAS_KQUEUE 1
#else
#define IOLOOP_HAS_KQUEUE 0
#endif

std::unique_ptr<Poller> make_null_poller();
#if defined(__linux__)
std::unique_ptr<Poller> make_epoll_poller();
#endif
#if IOLOOP_HAS_KQUEUE
std::unique_ptr<Poller> make_kqueue_poller();
#endif
#if defined(__unix__) || defined(__APPLE__)
std::unique_ptr<Poller> make_poll_poller();
std::unique_ptr<Poller> make_select_poller();
#endif
// Android kills a program that so much as asks for io_uring (its seccomp filter answers with SIGSYS).
#if defined(__linux__) && !defined(__ANDROID__) && __has_include(<linux/io_uring.h>)
#define IOLOOP_HAS_IO_URING 1
std::unique_ptr<Poller> make_io_uring_poller();
bool has_io_uring() noexcept;
#else
#define IOLOOP_HAS_IO_URING 0
#endif
#if defined(_WIN32)
std::unique_ptr<Poller> make_wsapoll_poller();
#endif

namespace {

struct Backend {
    PollerKind kind;
    std::string_view name;
    std::unique_ptr<Poller> (*make)();  ///< null: not on this platform
    bool (*works)() noexcept = nullptr; ///< asks the kernel that runs; null: it is as old as the platform

    bool available() const { return make != nullptr && (works == nullptr || works()); }
};

/// Best first. Those after the line are never chosen unasked; null is what is left where there is nothing else.
constexpr std::array backends = {
#if defined(__linux__)
    Backend{PollerKind::epoll, "epoll", &make_epoll_poller},
#else
    Backend{PollerKind::epoll, "epoll", nullptr},
#endif
#if IOLOOP_HAS_KQUEUE
    Backend{PollerKind::kqueue, "kqueue", &make_kqueue_poller},
#else
    Backend{PollerKind::kqueue, "kqueue", nullptr},
#endif
#if defined(__unix__) || defined(__APPLE__)
    Backend{PollerKind::poll, "poll", &make_poll_poller},
#else
    Backend{PollerKind::poll, "poll", nullptr},
#endif
#if defined(__unix__) || defined(__APPLE__)
    Backend{PollerKind::select, "select", &make_select_poller},
#else
    Backend{PollerKind::select, "select", nullptr},
#endif
#if defined(_WIN32)
    Backend{PollerKind::wsapoll, "wsapoll", &make_wsapoll_poller},
#else
    Backend{PollerKind::wsapoll, "wsapoll", nullptr},
#endif
// ----
#if IOLOOP_HAS_IO_URING
    Backend{PollerKind::io_uring, "io_uring", &make_io_uring_poller, &has_io_uring},
#else
    Backend{PollerKind::io_uring, "io_uring", nullptr},
#endif
    Backend{PollerKind::null, "null", &make_null_poller},
};

const Backend& best_backend() {
    for (const Backend& backend : backends) {
        if (backend.kind == PollerKind::io_uring) break;
        if (backend.make != nullptr) return backend;
    }
    return backends.back();
}

const Backend& backend_named(std::string_view wanted) {
    std::string known;
    for (const Backend& backend : backends) {
        if (wanted == backend.name) return backend;
        if (!backend.available()) continue;
        known += known.empty() ? "" : ", ";
        known += backend.name;
    }
    raise(std::invalid_argument("IOLOOP_POLLER=" + std::string(wanted) + ": no such poller; there are " +
                                known));
}

const Backend& default_backend() {
    const char* wanted = std::getenv("IOLOOP_POLLER");
    return wanted == nullptr || *wanted == '\0' ? best_backend() : backend_named(wanted);
}

} // namespace

std::unique_ptr<Poller> make_poller(PollerKind kind) {
    const Backend* chosen = nullptr;
    if (kind == PollerKind::automatic) {
        chosen = &default_backend();
    } else {
        for (const Backend& backend : backends) {
            if (backend.kind == kind) chosen = &backend;
        }
    }
    if (chosen == nullptr || chosen->make == nullptr) {
        raise(std::system_error(std::make_error_code(std::errc::function_not_supported),
                                "poller " + std::string(chosen != nullptr ? chosen->name : "?")));
    }
    return chosen->make();
}

std::vector<PollerKind> available_pollers() {
    std::vector<PollerKind> kinds;
    for (const Backend& backend : backends) {
        if (backend.available()) kinds.push_back(backend.kind);
    }
    return kinds;
}

std::string_view name_of(PollerKind kind) noexcept {
    for (const Backend& backend : backends) {
        if (backend.kind == kind) return backend.name;
    }
    return "automatic";
}

} // namespace ioloop
