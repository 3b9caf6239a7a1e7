// SPDX-License-Identifier: MIT
#include "message_link.hpp"
#include "moment_codec.hpp"
#include "raise.hpp"

#include <ioloop/inspect/format.hpp>
#include <ioloop/inspect/remote_source.hpp>
#include <ioloop/poster.hpp>

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace ioloop {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_from_server = std::size_t{1} << 20U; ///< in one turn of the viewer
constexpr std::size_t most_to_server = std::size_t{64} << 10U;
constexpr std::size_t most_unsent = std::size_t{64} << 10U; ///< the program takes nothing: no more is said
constexpr std::size_t most_known = 4096;                    ///< descriptors
constexpr double seconds_between_descriptions = 1;
constexpr Duration silent = 2s; ///< then it is worth a word

} // namespace

class RemoteSource::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(IOLoop& loop, Options&& options, const SocketAddress& address)
        : loop_(loop),
          poster_(loop),
          options_(std::move(options)),
          address_(address),
          pause_(options_.retry_after) {}

    void connect();
    void end();
    bool refresh(Moment& moment);
    const Descriptor* describe(std::uint64_t handler, double now);
    Text request(const Command& command);
    Text state_text() const;
    const char* refusal() const;

    State state_ = State::connecting;
    Moment moment_; ///< the newest
    Text outcome_;
    std::uint64_t outcomes_ = 0;
    std::uint64_t moments_ = 0;
    std::uint64_t left_out_ = 0;

private:
    struct Known {
        Descriptor descriptor;
        double asked_at = -1;
        bool here = false;
    };

    void on_ready(Events events);
    void give_up();
    bool hear(const MessageLink::Frame& frame);
    bool hear_moment(const MessageLink::Frame& frame);
    void fail(State state, Text why);
    void disconnect();
    void flush();
    void set_deadline(Duration in, void (Impl::*act)(), Origin origin);

    IOLoop& loop_;
    Poster poster_;
    Options options_;
    SocketAddress address_;
    MessageLink link_;
    bool connected_ = false; ///< the socket; it may not be welcome yet
    Events watched_ = Events::none;
    Timeout deadline_{};
    Duration pause_;
    Text why_; ///< refused, lost
    Welcome welcome_;

    MomentDecoder decoder_;
    Moment incoming_;
    bool asked_ = false;
    TimePoint asked_at_{};
    TimePoint ask_at_{}; ///< for the next moment, no sooner
    std::uint64_t shown_ = 0;
    std::uint64_t lists_ = 0; ///< version
    std::uint64_t lists_shown_ = 0;
    std::uint64_t commands_ = 0;
    std::unordered_map<std::uint64_t, Known> known_; ///< by handler
    std::vector<std::uint64_t> to_describe_;
    std::vector<Described> described_;
};

// ---- the connection -----------------------------------------------------------------------------

void RemoteSource::Impl::set_deadline(Duration in, void (Impl::*act)(), Origin origin) {
    loop_.remove_timeout(deadline_);
    const std::weak_ptr<Impl> self = weak_from_this();
    deadline_ = loop_.call_later(
        in,
        [self, act] {
            if (const auto impl = self.lock()) (impl.get()->*act)();
        },
        origin);
}

void RemoteSource::Impl::connect() {
    disconnect();
    state_ = State::connecting;
    std::error_code error;
    Socket socket = Socket::connect(address_, error);
    const std::weak_ptr<Impl> self = weak_from_this();
    if (!error) {
        link_ = MessageLink(std::move(socket), longest_answer);
        watched_ = Events::write;
        loop_.add_handler(
            link_.fd(),
            [self](Fd, Events events) {
                if (const auto impl = self.lock()) impl->on_ready(events);
            },
            Events::write, error, Origin("remote inspector").as_internal());
    }
    if (error) return fail(State::lost, error.message().c_str());
    set_deadline(options_.answer_within, &Impl::give_up, Origin("remote inspector: no answer").as_internal());
}

void RemoteSource::Impl::disconnect() {
    loop_.remove_timeout(deadline_);
    if (link_.socket()) loop_.remove_handler(link_.fd());
    link_ = {};
    connected_ = false;
    asked_ = false;
    ask_at_ = {};
    decoder_ = MomentDecoder(options_.calls, options_.turns);
    incoming_ = {};
    known_.clear(); // ids are those of one program
    to_describe_.clear();
}

void RemoteSource::Impl::give_up() { fail(State::lost, "no answer"); }

void RemoteSource::Impl::end() {
    if (!poster_.closed()) disconnect();
}

void RemoteSource::Impl::fail(State state, Text why) {
    disconnect();
    state_ = state;
    why_ = why;
    if (state == State::refused) return;
    set_deadline(pause_, &Impl::connect, Origin("remote inspector: try again").as_internal());
    pause_ = std::min(pause_ * 2, std::max(options_.retry_after, options_.retry_at_least_every));
}

void RemoteSource::Impl::on_ready(Events) {
    if (!connected_) {
        if (const std::error_code error = link_.socket().connect_error())
            return fail(State::lost, error.message().c_str());
        connected_ = true;
        write_hello(link_.out(), options_.token);
        return flush();
    }
    link_.receive(most_from_server);
    while (const auto frame = link_.next_frame()) {
        if (!hear(*frame)) return fail(State::lost, "what it says makes no sense");
        if (!connected_) return; // refused
    }
    if (link_.state() == MessageLink::State::broken) return fail(State::lost, "what it says makes no sense");
    if (link_.state() == MessageLink::State::ended) return fail(State::lost, "the connection has ended");
    flush();
}

void RemoteSource::Impl::flush() {
    link_.send(most_to_server);
    const Events wanted = link_.unsent() > 0 ? Events::read | Events::write : Events::read;
    if (wanted == std::exchange(watched_, wanted)) return;
    std::error_code removed;
    loop_.update_handler(link_.fd(), wanted, removed);
}

// ---- what it hears ------------------------------------------------------------------------------

bool RemoteSource::Impl::hear(const MessageLink::Frame& frame) {
    const bool welcome = state_ == State::connected;
    switch (frame.message) {
    case Message::refused: {
        Refused refused;
        if (!read_refused(frame.bytes, refused)) return false;
        fail(refused.for_good ? State::refused : State::lost, refused.why);
        return true;
    }
    case Message::welcome:
        if (welcome || !read_welcome(frame.bytes, welcome_) || welcome_.version != wire_version) return false;
        state_ = State::connected;
        pause_ = options_.retry_after;
        loop_.remove_timeout(deadline_);
        return true;
    case Message::moment: return welcome && hear_moment(frame);
    case Message::descriptors:
        if (!welcome || !read_descriptors(frame.bytes, described_)) return false;
        for (const Described& described : described_) {
            const auto known = known_.find(described.first);
            if (known == known_.end()) continue; // it was not asked for
            known->second.descriptor = described.second;
            known->second.here = true;
        }
        return true;
    case Message::outcome: {
        NumberedOutcome outcome;
        if (!welcome || !read_outcome(frame.bytes, outcome)) return false;
        outcome_ = outcome.sentence;
        ++outcomes_;
        return true;
    }
    default: return false;
    }
}

bool RemoteSource::Impl::hear_moment(const MessageLink::Frame& frame) {
    MomentFrame with;
    if (!asked_ || !decoder_.decode(frame.bytes, incoming_, with)) return false;
    asked_ = false;
    ask_at_ = after(asked_at_, std::clamp(with.next, Duration(10ms), Duration(60s)));
    moment_ = incoming_; // what is decoded next may break off in the middle
    left_out_ = decoder_.left_out();
    ++moments_;
    if (with.lists) ++lists_;
    return true;
}

// ---- what it is asked ---------------------------------------------------------------------------

bool RemoteSource::Impl::refresh(Moment& moment) {
    const bool open = state_ == State::connected && !poster_.closed();
    const TimePoint now = steady_clock().now();
    if (open && !asked_ && now >= ask_at_) {
        asked_ = true;
        asked_at_ = now;
        write_next(link_.out());
    }
    if (open && !to_describe_.empty() && link_.unsent() < most_unsent) {
        write_describe(link_.out(), to_describe_);
        to_describe_.clear();
    }
    if (open && link_.unsent() > 0) flush();
    if (std::exchange(shown_, moments_) == moments_) return false;
    moment = moment_;
    return std::exchange(lists_shown_, lists_) != lists_;
}

const Descriptor* RemoteSource::Impl::describe(std::uint64_t handler, double now) {
    if (known_.size() >= most_known && known_.find(handler) == known_.end()) known_.clear();
    Known& known = known_[handler];
    const bool due =
        known.asked_at < 0 || now < known.asked_at || now - known.asked_at >= seconds_between_descriptions;
    if (due && to_describe_.size() < most_described) {
        known.asked_at = now;
        to_describe_.push_back(handler);
    }
    return known.here ? &known.descriptor : nullptr;
}

const char* RemoteSource::Impl::refusal() const {
    if (state_ != State::connected) return "there is no connection to the program";
    if (!welcome_.may_command) return "the program lets viewers look, and do nothing";
    return nullptr;
}

Text RemoteSource::Impl::request(const Command& command) {
    if (command.kind == Command::Kind::none) return {};
    if (const char* why = refusal()) return Text("refused: ").add(why);
    if (link_.unsent() >= most_unsent) return "refused: the program takes no more commands now";
    NumberedCommand numbered{++commands_, command, decoder_.sites().number_of(command.breakpoint.site)};
    numbered.command.breakpoint.site = SiteId::none;
    write_command(link_.out(), numbered);
    ask_at_ = {}; // to see what came of it
    flush();
    return "sent";
}

Text RemoteSource::Impl::state_text() const {
    const std::string address = address_.to_string();
    switch (state_) {
    case State::connecting: return Text("connecting to ").add(address);
    case State::refused: return Text("refused by ").add(address).add(": ").add(why_.view());
    case State::lost: return Text("no connection to ").add(address).add(": ").add(why_.view());
    case State::connected: break;
    }
    Text text("connected to '");
    text.add(welcome_.name.view()).add("'").add(welcome_.may_command ? "" : ", read-only");
    if (left_out_ > 0) text.add(", ").add(left_out_).add(" rows left out");
    const Duration waiting = asked_ ? steady_clock().now() - asked_at_ : Duration::zero();
    if (waiting >= silent) text.add("; it has said nothing for ").add(format_duration(waiting).view());
    return text;
}

// ---- RemoteSource -------------------------------------------------------------------------------

RemoteSource::RemoteSource(IOLoop& loop, Options options) {
    const SocketAddress address = SocketAddress::parse(options.address);
    if (!address.is_loopback()) {
        raise(std::invalid_argument(
            std::string("RemoteSource: not an address of this machine: '")
                .append(options.address)
                .append("'; expected unix:PATH (of at most 100 bytes), 127.0.0.1:PORT or [::1]:PORT")));
    }
    if (options.token.empty() || options.token.size() > longest_token)
        raise(std::invalid_argument("RemoteSource: the token must have 1 to 256 bytes"));
    impl_ = std::make_shared<Impl>(loop, std::move(options), address);
    impl_->connect();
}

RemoteSource::~RemoteSource() {
    if (impl_ != nullptr) impl_->end();
}

RemoteSource::State RemoteSource::state() const noexcept { return impl_->state_; }
Text RemoteSource::state_text() const { return impl_->state_text(); }
void RemoteSource::reconnect() { impl_->connect(); }
std::uint64_t RemoteSource::moments() const noexcept { return impl_->moments_; }
const Text& RemoteSource::outcome() const noexcept { return impl_->outcome_; }
std::uint64_t RemoteSource::outcomes() const noexcept { return impl_->outcomes_; }
std::uint64_t RemoteSource::left_out() const noexcept { return impl_->left_out_; }
bool RemoteSource::refresh(Moment& moment, double) { return impl_->refresh(moment); }
const Descriptor* RemoteSource::describe(std::uint64_t handler, Fd, double now) {
    return impl_->describe(handler, now);
}
std::uint64_t RemoteSource::calls_run() const { return impl_->moment_.snapshot.statistics.calls_run(); }
bool RemoteSource::paused() const { return impl_->moment_.snapshot.paused; }
const char* RemoteSource::refusal() const { return impl_->refusal(); }
Text RemoteSource::request(const Command& command) { return impl_->request(command); }

} // namespace ioloop
