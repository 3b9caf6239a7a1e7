// SPDX-License-Identifier: MIT
#include "inspector_server_impl.hpp"
#include "raise.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace ioloop {
namespace {

using namespace std::chrono_literals;

// What one turn of the program gives to one viewer.
constexpr std::size_t most_from_viewer = std::size_t{16} << 10U;
constexpr std::size_t most_to_viewer = std::size_t{64} << 10U;
constexpr int most_accepted = 8;

constexpr Duration without_descriptors = 1s; ///< accept() has failed: so long it is not tried again
constexpr Duration without_poller = 50ms;    ///< between two looks at the viewers of a paused loop

} // namespace

InspectorServer::InspectorServer(IOLoop& loop, Options options) {
    const SocketAddress address = SocketAddress::parse(options.address);
    // (An abstract unix socket is protected by no permissions.)
    if (!address.is_loopback() || address.is_abstract()) {
        raise(std::invalid_argument(
            std::string("InspectorServer: not an address of this machine: '")
                .append(options.address)
                .append("'; expected unix:PATH (of at most 100 bytes), 127.0.0.1:PORT or [::1]:PORT")));
    }
    if (options.token.empty() || options.token.size() > longest_token) {
        raise(std::invalid_argument("InspectorServer: the token must have 1 to 256 bytes"));
    }
    if (!(options.most_per_second > 0) || options.most_viewers == 0) {
        raise(std::invalid_argument("InspectorServer: most_per_second and most_viewers must be positive"));
    }
    std::error_code error;
    Socket listener = Socket::listen(address, {.backlog = 8}, error);
    if (error) {
        raise(std::system_error(error,
                                std::string("InspectorServer: listening at ").append(address.to_string())));
    }
    impl_ = std::make_shared<Impl>(loop, std::move(options), std::move(listener));
    impl_->begin();
}

InspectorServer::~InspectorServer() {
    if (impl_ != nullptr) impl_->end();
}

std::string InspectorServer::address() const { return impl_->address(); }
InspectorServer::Counts InspectorServer::counts() const { return impl_->counts(); }

InspectorServer::Impl::Impl(IOLoop& loop, Options&& options, Socket listener)
    : loop_(loop),
      poster_(loop),
      options_(std::move(options)),
      address_(listener.local()),
      listener_(std::move(listener)),
      file_(address_),
      source_(std::make_unique<LocalSource>(loop, options_.source)),
      poller_(make_poller()) {}

void InspectorServer::Impl::begin() {
    const std::weak_ptr<Impl> self = weak_from_this();
    loop_.add_handler(
        listener_.fd(),
        [self](Fd, Events) {
            if (const auto impl = self.lock()) impl->on_listener();
        },
        Events::read, Origin("inspector listener").as_internal());
    loop_.set_on_pause([self](Duration timeout) {
        if (const auto impl = self.lock()) impl->attend(timeout);
    });
}

void InspectorServer::Impl::end() {
    if (!poster_.closed()) {
        loop_.remove_handler(listener_.fd());
        loop_.remove_timeout(deadline_);
        loop_.set_on_pause(nullptr);
        for (const auto& viewer : viewers_) loop_.remove_handler(viewer->link.fd());
        let_go();
    }
    ended_ = true;
    viewers_.clear();
    source_.reset();
}

InspectorServer::Counts InspectorServer::Impl::counts() const {
    Counts counts = counts_;
    counts.viewers = viewers_.size();
    for (const auto& viewer : viewers_) counts.unsent += viewer->link.unsent();
    return counts;
}

InspectorServer::Impl::Viewer* InspectorServer::Impl::find(std::uint64_t number) {
    const auto found = std::find_if(viewers_.begin(), viewers_.end(),
                                    [&](const auto& viewer) { return viewer->number == number; });
    return found != viewers_.end() ? found->get() : nullptr;
}

// ---- who comes, and who goes --------------------------------------------------------------------

void InspectorServer::Impl::on_listener() {
    if (!usable()) return;
    for (int i = 0; i < most_accepted; ++i) {
        std::error_code error;
        Socket socket = listener_.accept(error);
        if (socket) {
            admit(std::move(socket));
        } else if (out_of_descriptors(error)) {
            // Who waits there would make every turn come here at once.
            loop_.update_handler(listener_.fd(), Events::none, error);
            listen_again_ = after(now(), without_descriptors);
            break;
        } else if (error == std::errc::resource_unavailable_try_again) {
            break;
        }
    }
    arm();
}

void InspectorServer::Impl::admit(Socket socket) {
    ++counts_.accepted;
    auto viewer = std::make_unique<Viewer>();
    viewer->number = ++last_viewer_;
    viewer->link = MessageLink(std::move(socket), longest_request);
    if (viewers_.size() >= options_.most_viewers) {
        refuse(*viewer, false, "there are too many viewers");
        viewer->link.send(most_to_viewer); // a new connection has room for a sentence
        return;
    }
    viewer->cut_off_at = after(now(), options_.hello_within);
    const std::weak_ptr<Impl> self = weak_from_this();
    std::error_code error;
    loop_.add_handler(
        viewer->link.fd(),
        [self, number = viewer->number](Fd, Events events) {
            if (const auto impl = self.lock()) impl->on_viewer(number, events);
        },
        Events::read, error, Origin("inspector viewer").as_internal());
    if (error) return;
    viewers_.push_back(std::move(viewer));
}

void InspectorServer::Impl::refuse(Viewer& viewer, bool for_good, Text why) {
    ++counts_.refused;
    write_refused(viewer.link.out(), {for_good, why});
    viewer.leaving = true;
}

void InspectorServer::Impl::cut_off(Viewer& viewer) {
    ++counts_.cut_off;
    drop(viewer.number);
}

void InspectorServer::Impl::drop(std::uint64_t number) {
    const auto found = std::find_if(viewers_.begin(), viewers_.end(),
                                    [&](const auto& viewer) { return viewer->number == number; });
    if (found == viewers_.end()) return;
    loop_.remove_handler((*found)->link.fd());
    viewers_.erase(found);
    const bool nobody =
        std::none_of(viewers_.begin(), viewers_.end(), [](const auto& v) { return v->greeted; });
    if (nobody) let_go();
}

// ---- one of them --------------------------------------------------------------------------------

void InspectorServer::Impl::on_viewer(std::uint64_t number, Events events) {
    Viewer* viewer = find(number);
    if (!usable() || viewer == nullptr) return;
    // Who is not watched for reading has still to be noticed when it is gone.
    if (any(events & Events::error) && !any(viewer->watched & Events::read)) return drop(number);
    serve(*viewer);
    arm();
    // Commands are done between two calls: let this one come to its end.
    if (usable() && !pending_.empty() && !loop_.paused()) {
        paused_for_commands_ = true;
        loop_.set_paused(true);
    }
}

/// Moves what can be moved, in both directions. May destroy `viewer`.
void InspectorServer::Impl::serve(Viewer& viewer) {
    const auto send = [&] {
        const std::size_t sent = viewer.link.send(most_to_viewer);
        counts_.bytes_sent += sent;
        if (sent > 0 && viewer.greeted) viewer.cut_off_at = after(now(), options_.stalled_after);
    };
    if (viewer.link.unsent() > 0) {
        send();
    } else if (!viewer.leaving) {
        viewer.link.receive(most_from_viewer);
        while (const auto frame = viewer.link.next_frame()) {
            if (!hear(viewer, *frame)) return cut_off(viewer);
            if (viewer.leaving) break;
        }
        if (viewer.link.state() == MessageLink::State::broken) return cut_off(viewer);
    }
    if (now() >= due(viewer)) {
        const bool moment = viewer.wants_moment && now() >= viewer.next_moment;
        moment ? send_moment(viewer) : send_descriptors(viewer);
    }
    if (viewer.watched == Events::read) send();
    const bool over =
        viewer.link.state() != MessageLink::State::open || (viewer.leaving && viewer.link.unsent() == 0);
    if (over) return drop(viewer.number);
    watch(viewer);
}

/// Reads only from who has taken what it was sent: so it cannot make the program keep more.
void InspectorServer::Impl::watch(Viewer& viewer) {
    const Events wanted = viewer.link.unsent() > 0 ? Events::write : Events::read;
    if (wanted == std::exchange(viewer.watched, wanted)) return;
    if (wanted == Events::write && viewer.greeted) viewer.cut_off_at = after(now(), options_.stalled_after);
    std::error_code removed; // somebody may have removed the handler: an inspector's button does
    loop_.update_handler(viewer.link.fd(), wanted, removed);
}

// ---- time ---------------------------------------------------------------------------------------

/// One timeout for all that is due at some time; none without viewers.
void InspectorServer::Impl::arm() {
    if (!usable()) return;
    TimePoint first = listen_again_;
    for (const auto& viewer : viewers_) {
        if (!viewer->greeted || viewer->link.unsent() > 0) first = std::min(first, viewer->cut_off_at);
        first = std::min(first, due(*viewer));
    }
    if (first == never) {
        loop_.remove_timeout(deadline_);
        return;
    }
    const TimePoint at = after(loop_.time(), until(first, now()));
    if (loop_.update_timeout(deadline_, at)) return;
    const std::weak_ptr<Impl> self = weak_from_this();
    deadline_ = loop_.call_at(
        at,
        [self] {
            if (const auto impl = self.lock()) impl->on_deadline();
        },
        Origin("inspector deadline").as_internal());
}

void InspectorServer::Impl::on_deadline() {
    if (!usable()) return;
    const TimePoint time = now();
    if (time >= listen_again_) {
        listen_again_ = never;
        std::error_code removed;
        loop_.update_handler(listener_.fd(), Events::read, removed);
    }
    for (std::size_t i = viewers_.size(); i-- > 0;) {
        Viewer& viewer = *viewers_[i];
        if ((!viewer.greeted || viewer.link.unsent() > 0) && time >= viewer.cut_off_at) {
            cut_off(viewer);
        } else if (time >= due(viewer)) {
            serve(viewer);
        }
    }
    arm();
}

// ---- while the loop is paused -------------------------------------------------------------------

void InspectorServer::Impl::attend(Duration timeout) {
    if (!usable()) return;
    run_commands();
    if (!usable() || !loop_.paused()) return;
    wait_in_pause(timeout);
    run_commands();
}

/// The loop watches nothing in a pause, so a poller of the server's own does.
void InspectorServer::Impl::wait_in_pause(Duration timeout) {
    std::error_code error = poller_->reset();
    if (!error && listen_again_ == never) error = poller_->add(listener_.fd(), Events::read, 0);
    for (const auto& viewer : viewers_) {
        if (!error) error = poller_->add(viewer->link.fd(), viewer->watched, viewer->number);
        if (due(*viewer) != never) timeout = std::min(timeout, until(due(*viewer), now()));
    }
    std::array<Poller::Ready, 16> ready;
    std::size_t count = 0;
    // reset() has woken whoever slept on the old set, which is nobody: a first look takes that.
    if (!error) error = poller_->wait(ready, no_wait, count);
    if (!error && count == 0) error = poller_->wait(ready, timeout, count);
    if (error) look_at_all(timeout);
    for (std::size_t i = 0; i < count && usable(); ++i) {
        if (ready[i].key == 0) {
            on_listener();
        } else {
            on_viewer(ready[i].key, ready[i].events);
        }
    }
    on_deadline();
}

/// There are no descriptors, of which a new set would need one: whoever has connected is heard still, if later.
void InspectorServer::Impl::look_at_all(Duration timeout) {
    std::this_thread::sleep_for(std::clamp(timeout, no_wait, without_poller));
    std::vector<std::uint64_t> numbers;
    for (const auto& viewer : viewers_) numbers.push_back(viewer->number);
    for (const std::uint64_t number : numbers) {
        const Viewer* const viewer = find(number);
        if (viewer != nullptr) on_viewer(number, viewer->watched);
    }
}

} // namespace ioloop
