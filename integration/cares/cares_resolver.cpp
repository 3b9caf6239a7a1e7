// SPDX-License-Identifier: MIT
#include <ioloop/cares.hpp>
#include <ioloop/context.hpp>
#include <ioloop/net/watch_set.hpp>
#include <ioloop/poster.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

#include <ares.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace ioloop::cares {
namespace {

class Category final : public std::error_category {
public:
    const char* name() const noexcept override { return "c-ares"; }
    std::string message(int code) const override { return ::ares_strerror(code); }
};

void require(int status, const char* what) {
    if (status != ARES_SUCCESS) throw std::system_error(status, error_category(), what);
}

int to_milliseconds(Duration duration) {
    const auto count = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
    return static_cast<int>(std::clamp<std::int64_t>(count, 1, 60'000));
}

} // namespace

const std::error_category& error_category() noexcept {
    static const Category category;
    return category;
}

/// c-ares is entered from here only. It calls back within that; no code of the user's is called then.
class Resolver::Channel : public std::enable_shared_from_this<Channel> {
public:
    Channel(IOLoop& loop, const Options& options) : loop_(loop) {
        static const int started = ::ares_library_init(ARES_LIB_INIT_ALL);
        require(started, "cares::Resolver");
        watches_.emplace(
            loop, "name servers",
            [this](Fd fd, Events ready) {
                const bool failed = any(ready & Events::error); // reading or writing says how
                act(failed || any(ready & Events::read) ? fd : ARES_SOCKET_BAD,
                    failed || any(ready & Events::write) ? fd : ARES_SOCKET_BAD);
            },
            [this] { act(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }, "name server");
        ares_options wanted{};
        wanted.timeout = to_milliseconds(options.patience);
        wanted.tries = std::max(options.tries, 1);
        wanted.sock_state_cb = &Channel::on_socket;
        wanted.sock_state_cb_data = this;
        require(::ares_init_options(&channel_, &wanted,
                                    ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB),
                "cares::Resolver");
        if (options.servers.empty()) return;
        const int status = ::ares_set_servers_ports_csv(channel_, options.servers.c_str());
        if (status != ARES_SUCCESS) shut_down();
        require(status, "cares::Resolver: servers");
    }
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel() { shut_down(); }

    /// What is asked is answered by an error. Nothing is called afterwards.
    void shut_down() {
        if (channel_ != nullptr) ::ares_destroy(std::exchange(channel_, nullptr));
        watches_.reset();
    }

    void ask(const std::string& host, std::uint16_t port, Duration timeout, Promise<Addresses> answer) {
        if (loop_.closed()) throw std::logic_error("cares::Resolver::resolve: the loop is closed");
        const auto kept = shared_from_this();
        const auto question = std::make_shared<Question>(loop_, host, port, std::move(answer));
        question->arm(timeout);
        ares_addrinfo_hints hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_socktype = SOCK_STREAM; // else every address comes several times
        auto owned = std::make_unique<std::shared_ptr<Question>>(question);
        ::ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &Channel::on_answer, owned.release());
        arrange();
    }

private:
    /// Answered once: by c-ares, by its timeout, or by who cancels it; c-ares cannot be told of the latter.
    struct Question : std::enable_shared_from_this<Question> {
        Question(Poster l, std::string h, std::uint16_t p, Promise<Addresses> a)
            : loop(std::move(l)),
              host(std::move(h)),
              port(p),
              answer(std::move(a)) {}

        void arm(Duration limit) {
            if (limit == forever) return;
            const NullContext none;
            timeout = loop.loop()->call_later(
                limit, [self = shared_from_this()] { self->fail_timed_out(); }, "name resolution timeout");
            answer.on_cancel([weak = weak_from_this()] {
                const auto self = weak.lock();
                if (self != nullptr && self->loop.on_loop_thread()) self->disarm();
            });
        }
        void disarm() const noexcept {
            if (IOLoop* const there = loop.loop()) there->remove_timeout(timeout);
        }
        void fail(std::exception_ptr error) {
            disarm();
            if (!answer.done()) answer.set_exception(std::move(error));
        }
        void fail_timed_out() {
            fail(std::make_exception_ptr(TimeoutError(text().append(": the time is up").c_str())));
        }
        void fail(int status) {
            fail(status == ARES_EDESTRUCTION
                     ? std::make_exception_ptr(CancelledError("the resolver was destroyed"))
                     : std::make_exception_ptr(std::system_error(status, error_category(), text())));
        }
        void give(Addresses addresses) {
            disarm();
            if (!answer.done()) answer.set_value(std::move(addresses));
        }
        std::string text() const { return "resolving '" + host + "'"; }

        Poster loop;
        std::string host;
        std::uint16_t port;
        Promise<Addresses> answer;
        Timeout timeout;
    };

    void act(ares_socket_t readable, ares_socket_t writable) {
        const auto kept = shared_from_this();
        ::ares_process_fd(channel_, readable, writable);
        arrange();
    }

    void arrange() {
        timeval soonest{};
        const timeval* const next = ::ares_timeout(channel_, nullptr, &soonest);
        watches_->set_timer(next == nullptr ? forever
                                            : Duration(std::chrono::seconds(next->tv_sec) +
                                                       std::chrono::microseconds(next->tv_usec)));
    }

    static void on_socket(void* self, ares_socket_t socket, int reads, int writes) noexcept {
        Events events = Events::none; // which is what it says before it closes it
        if (reads != 0) events |= Events::read;
        if (writes != 0) events |= Events::write;
        std::error_code ignored; // then the question ends by its timeout
        static_cast<Channel*>(self)->watches_->set(static_cast<Fd>(socket), events, ignored);
    }

    static void on_answer(void* asked, int status, int, ares_addrinfo* found) noexcept try {
        const std::unique_ptr<std::shared_ptr<Question>> owned(
            static_cast<std::shared_ptr<Question>*>(asked));
        const std::unique_ptr<ares_addrinfo, decltype(&::ares_freeaddrinfo)> list(found,
                                                                                  &::ares_freeaddrinfo);
        Question& question = **owned;
        if (status != ARES_SUCCESS) return question.fail(status);
        Addresses addresses;
        for (const ares_addrinfo_node* at = list->nodes; at != nullptr; at = at->ai_next) {
            SocketAddress address(at->ai_addr, at->ai_addrlen);
            if (!address) continue;
            address.set_port(question.port);
            if (std::find(addresses.begin(), addresses.end(), address) == addresses.end())
                addresses.push_back(address);
        }
        if (addresses.empty()) return question.fail(ARES_ENODATA);
        question.give(std::move(addresses));
    } catch (...) { // out of memory: then the question goes without an answer, which is broken_promise
        return;
    }

    Poster loop_;
    std::optional<WatchSet> watches_;
    ares_channel channel_ = nullptr; ///< null: shut down
};

Resolver::Resolver(IOLoop& loop) : Resolver(loop, Options{}) {}

Resolver::Resolver(IOLoop& loop, const Options& options)
    : ioloop::Resolver(loop),
      loop_(loop),
      channel_(std::make_shared<Channel>(loop, options)) {}

Resolver::~Resolver() { channel_->shut_down(); }

Future<Resolver::Addresses> Resolver::resolve(std::string host, std::uint16_t port, Duration timeout) {
    Addresses addresses = known(host, port);
    const bool is_name = !host.empty() && host.find('\0') == std::string::npos;
    // What needs no question, and what is none, the base answers at once.
    if (!addresses.empty() || !is_name) return ioloop::Resolver::resolve(std::move(host), port, timeout);
    Promise<Addresses> answer(loop_, "name resolution");
    Future<Addresses> future = answer.future();
    channel_->ask(host, port, timeout, std::move(answer));
    return future;
}

} // namespace ioloop::cares
