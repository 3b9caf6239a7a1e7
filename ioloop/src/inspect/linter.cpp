// SPDX-License-Identifier: MIT
#include "lints.hpp"

#include <ioloop/inspect/format.hpp>
#include <ioloop/inspect/linter.hpp>

#include <algorithm>

namespace ioloop {
namespace {

constexpr Duration between_looks = std::chrono::milliseconds(100);
/// With more objects than this, going through them all is for every so often.
constexpr std::size_t many_objects = 2000;
constexpr Duration between_many = std::chrono::milliseconds(190);
/// A look that comes later (a window was closed, a program stopped) counts as one after this time.
constexpr Duration longest_look = std::chrono::seconds(1);

std::size_t news(std::uint64_t seen, std::uint64_t& before, std::size_t kept) {
    if (seen < before) before = 0; // forgotten meanwhile
    const std::uint64_t fresh = std::min<std::uint64_t>(seen - before, kept);
    before = seen;
    return static_cast<std::size_t>(fresh);
}

} // namespace

// ---- what the lints share -----------------------------------------------------------------------

Text name_and_fd(const Chain& chain, Fd fd) {
    Text text("'");
    text.add(format_name(chain.origin()).view()).add("'");
    if (fd != invalid_fd) text.add(" (fd ").add(static_cast<std::uint64_t>(fd)).add(")");
    return text;
}

Finding finding_of(Lint lint, CallKind kind, const Chain& chain) {
    Finding found;
    found.lint = lint;
    found.kind = kind;
    found.chain = chain;
    return found;
}

Finding finding_of(Lint lint, const HandlerInfo& handler) {
    Finding found = finding_of(lint, CallKind::handler, handler.chain);
    found.id = handler.id;
    found.fd = handler.fd;
    return found;
}

// ---- the linter ---------------------------------------------------------------------------------

class Linter::Impl {
public:
    Impl(const IOLoop& loop, Recorder& recorder, const Options& options)
        : loop_(loop),
          recorder_(recorder),
          options_(options),
          files_(loop),
          hosts_(loop) {
        clear();
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() { recorder_.evidence().end_probes(); }

    void check(const Snapshot& snapshot);
    void clear() noexcept;

    Findings findings;

private:
    bool is_due(const Snapshot& snapshot, Duration& passed) noexcept;
    std::size_t new_turns() noexcept;

    const IOLoop& loop_;
    Recorder& recorder_;
    Options options_;

    Duration uptime_{};
    TimePoint looked_at_{};        ///< the loop's time
    TimePoint looked_at_steady_{}; ///< which goes on where that stands still
    std::uint64_t turns_ = 0;      ///< by then
    Duration held_{};              ///< by then, in all
    Duration objects_at_{};        ///< uptime when they were gone through
    std::uint64_t calls_seen_ = 0;
    std::uint64_t last_turn_ = 0; ///< that was looked at
    std::uint64_t changes_seen_ = 0;
    std::uint64_t errors_seen_ = 0;

    SpinLints spins_;
    FileLints files_;
    CallLints calls_;
    DelayLints delays_;
    TimeoutLints timeouts_;
    HostLints hosts_;
};

/// By the loop's time; where that stands still and turns go on, by the system's.
bool Linter::Impl::is_due(const Snapshot& snapshot, Duration& passed) noexcept {
    passed = snapshot.time - looked_at_;
    if (passed < Duration::zero()) passed = between_looks; // somebody set a clock back
    if (passed >= between_looks) return true;
    if (snapshot.statistics.turns == turns_) return false;
    const Duration steady = steady_clock().now() - looked_at_steady_;
    if (steady < between_looks) return false;
    passed = between_looks;
    return true;
}

/// By their numbers, as the recorder may leave some out.
std::size_t Linter::Impl::new_turns() noexcept {
    const std::size_t count = recorder_.turn_count();
    std::size_t fresh = 0;
    while (fresh < count && recorder_.turn(count - 1 - fresh).turn > last_turn_) ++fresh;
    if (count > 0) last_turn_ = recorder_.turn(count - 1).turn;
    return fresh;
}

void Linter::Impl::check(const Snapshot& snapshot) {
    hosts_.note_progress(snapshot);
    if (snapshot.paused) return; // nothing runs: what was found stays as it is
    Duration passed{};
    if (!is_due(snapshot, passed)) return;
    passed = std::min(passed, longest_look);
    uptime_ += passed;
    looked_at_ = snapshot.time;
    looked_at_steady_ = steady_clock().now();
    turns_ = snapshot.statistics.turns;
    const bool many = snapshot.handlers.size() + snapshot.timeouts.size() > many_objects;
    const bool objects = !many || uptime_ - objects_at_ >= between_many;
    if (objects) objects_at_ = uptime_;

    Evidence& evidence = recorder_.evidence();
    const Duration delay = evidence.delay_since_last();
    const bool held = snapshot.statistics.held != held_ || snapshot.suspended;
    held_ = snapshot.statistics.held;
    findings.begin_round();
    const Look look{snapshot,
                    recorder_,
                    evidence,
                    options_,
                    findings,
                    uptime_,
                    passed,
                    delay,
                    held,
                    objects,
                    news(recorder_.calls_seen(), calls_seen_, recorder_.call_count()),
                    new_turns(),
                    news(recorder_.changes_seen(), changes_seen_, recorder_.change_count()),
                    news(recorder_.errors_seen(), errors_seen_, recorder_.error_count())};
    files_.look(look);
    spins_.look(look);
    calls_.look(look);
    delays_.look(look);
    timeouts_.look(look);
    hosts_.look(look);
    findings.end_round(snapshot.time, uptime_);
}

/// As if it were new: what comes from now on is found.
void Linter::Impl::clear() noexcept {
    findings.clear();
    recorder_.evidence().end_probes();
    recorder_.evidence().delay_since_last();
    looked_at_ = loop_.time();
    looked_at_steady_ = steady_clock().now();
    turns_ = loop_.statistics().turns;
    held_ = loop_.statistics().held;
    calls_seen_ = recorder_.calls_seen();
    last_turn_ = loop_.statistics().turns;
    new_turns();
    changes_seen_ = recorder_.changes_seen();
    errors_seen_ = recorder_.errors_seen();
    spins_.clear();
    files_.clear(loop_);
    calls_.clear(recorder_);
    delays_.clear();
    timeouts_.clear();
    hosts_.clear(loop_);
}

Linter::Linter(const IOLoop& loop, Recorder& recorder) : Linter(loop, recorder, Options{}) {}
Linter::Linter(const IOLoop& loop, Recorder& recorder, const Options& options)
    : impl_(std::make_unique<Impl>(loop, recorder, options)) {}
Linter::~Linter() = default;

void Linter::check(const Snapshot& snapshot) { impl_->check(snapshot); }
std::span<const Finding> Linter::findings() const noexcept { return impl_->findings.shown(); }
std::uint64_t Linter::version() const noexcept { return impl_->findings.version(); }
void Linter::set_muted(Lint lint, bool muted) noexcept { impl_->findings.set_muted(lint, muted); }
bool Linter::muted(Lint lint) const noexcept { return impl_->findings.muted(lint); }
void Linter::clear() noexcept { impl_->clear(); }

} // namespace ioloop
