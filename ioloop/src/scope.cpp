// SPDX-License-Identifier: MIT
/// The loop is given small closures, {state, id}; the callables are here. So clear() can destroy them at once,
/// though their closures are still somewhere in the loop's queue. And the other way round: when the loop
/// destroys a closure, for whatever reason, its callable goes too; so nothing is left here of what has run, of
/// what somebody else removed, or of a loop that was closed.
#include "raise.hpp"
#include "slot_map.hpp"

#include <ioloop/poster.hpp>
#include <ioloop/scope.hpp>

#include <algorithm>
#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ioloop {

class Scope::State : public std::enable_shared_from_this<Scope::State> {
public:
    State(IOLoop& l, std::string&& n, const Origin& origin)
        : loop(l),
          to_loop(l),
          name(std::move(n)),
          chain(l.running_chain().then(site_of(origin))),
          since(l.now()) {}

    using Callable = std::variant<Callback, Handler>;
    struct Entry {
        Callable callable;
        Timeout timeout{};
        Fd fd = invalid_fd;             ///< handlers, as the next
        std::uint64_t registration = 0; ///< with the loop: the number may have got another handler since
        bool running = false;           ///< on the stack; its callable is destroyed by whoever called it
        bool still_watched = false;     ///< cleared, but the loop could not be told yet
    };
    using Entries = SlotMap<Entry>;
    using Id = Entries::Id;

    class Closure;

    Id emplace(Callable&& callable, Fd fd, const char* verb, const Origin& origin);
    void forget(Id id) noexcept;
    template <class... Args> void call(Id id, Args... args);
    bool end_one(std::uint32_t slot) noexcept;
    void end_all() noexcept;

    std::string where(const Origin& origin) const { return "scope '" + name + "', " + describe(origin); }
    void require(const char* verb, bool callable, const Origin& origin) const {
        if (!callable) raise(std::invalid_argument(std::string(verb) + ": null callable, " + where(origin)));
    }
    enum class Post : std::uint8_t { added, spawned, late };
    bool post(Callback&& callback, const Origin& origin, Post how);
    template <class When> using Arm = Timeout (IOLoop::*)(When, Callback, const Origin&);
    template <class When>
    Timeout arm(Arm<When> member, const char* verb, When when, Callback&& callback, const Origin& origin);
    std::pair<Fd, Id>* find_handler(Fd fd, std::uint64_t registration) noexcept;
    bool has_handler(Fd fd) noexcept;
    void end_handler(Fd fd, std::uint64_t registration) noexcept {
        if (loop.registration_of(fd) == registration) loop.remove_handler(fd);
    }
    std::size_t size() const noexcept {
        const Lock lock(mutex);
        return entries.size();
    }
    bool unbind(Fd fd) noexcept;
    /// False if the loop may be gone: it was destroyed by the very call that is on the stack.
    bool loop_is_there() const noexcept { return IOLoop::current(false) == &loop && loop.in_call(); }

    IOLoop& loop;
    const ioloop::Poster to_loop; ///< for late posts: the loop may go before the scope
    const std::string name;
    /// No callable is called or destroyed under it, and the loop is not called. But closures are moved, and what they are moved by,
    /// and the destructor of what is left, may use the scope: so the thread that has it comes in again.
    mutable std::recursive_mutex mutex;
    using Lock = std::lock_guard<std::recursive_mutex>;
    Entries entries{std::pmr::new_delete_resource()};
    std::vector<std::pair<Fd, Id>> handlers;
    bool closed = false; ///< the scope is being destroyed

    // For the inspector.
    std::uint64_t number = 0; ///< ScopeInfo::id
    const Chain chain;
    const TimePoint since;
    Scopes* scopes = nullptr; ///< null: the loop is closed, or the scope gone
    State* next = nullptr;    ///< of that loop's
    State* previous = nullptr;
};

/// Those of a loop, for the inspector.
class Scope::Scopes final : public Service {
public:
    explicit Scopes(IOLoop&) {}
    ~Scopes() override {
        while (first_ != nullptr) remove(*first_);
    }
    void add(State& state) noexcept {
        state.number = ++made_;
        state.scopes = this;
        state.next = first_;
        if (first_ != nullptr) first_->previous = &state;
        first_ = &state;
    }
    void remove(State& state) noexcept {
        (state.previous != nullptr ? state.previous->next : first_) = state.next;
        if (state.next != nullptr) state.next->previous = state.previous;
        state.next = state.previous = nullptr;
        state.scopes = nullptr;
    }
    void list(Snapshot& out) const override {
        for (const State* state = first_; state != nullptr; state = state->next) {
            ScopeInfo& info = out.scopes.emplace_back();
            info.id = state->number;
            state->name.copy(info.name.data(), info.name.size() - 1);
            info.origin = state->chain.origin();
            info.chain = state->chain;
            info.since = state->since;
            info.size = state->size();
        }
    }

private:
    State* first_ = nullptr;
    std::uint64_t made_ = 0;
};

/// What the loop holds.
class Scope::State::Closure {
public:
    Closure(std::shared_ptr<State> state, Id id) noexcept : state_(std::move(state)), id_(id) {}
    Closure(Closure&&) noexcept = default;
    Closure& operator=(Closure&&) = delete;
    Closure(const Closure&) = delete;
    Closure& operator=(const Closure&) = delete;
    ~Closure() {
        if (state_) state_->forget(id_);
    }
    std::uint64_t owner() const noexcept { return state_->number; }
    void operator()() { state_->call(id_); }
    void operator()(Fd fd, Events events) { state_->call(id_, fd, events); }

private:
    std::shared_ptr<State> state_;
    Id id_;
};

// ---- the table ----------------------------------------------------------------------------------

Scope::State::Id Scope::State::emplace(Callable&& callable, Fd fd, const char* verb, const Origin& origin) {
    const Lock lock(mutex);
    if (closed) {
        raise(std::logic_error(std::string(verb) + ": the scope is being destroyed, " + where(origin)));
    }
    if (fd != invalid_fd) handlers.reserve(handlers.size() + 1);
    const Id id = entries.emplace(Entry{std::move(callable), {}, fd});
    if (fd != invalid_fd) handlers.emplace_back(fd, id);
    return id;
}

/// The loop has destroyed the closure.
void Scope::State::forget(Id id) noexcept {
    Callable callable; // destroyed outside the lock: its destructor may use the scope
    const Lock lock(mutex);
    Entry* entry = entries.find(id.slot, id.generation);
    if (entry == nullptr) return;
    if (entry->fd != invalid_fd) {
        std::erase_if(handlers, [&](const auto& handler) { return handler.second.slot == id.slot; });
    }
    entries.retire(id.slot); // first: to move the callable may come in again
    callable = std::move(entry->callable);
    entries.release(id.slot);
}

template <class... Args> void Scope::State::call(Id id, Args... args) {
    Entry* entry = nullptr;
    {
        const Lock lock(mutex);
        entry = entries.find(id.slot, id.generation);
        if (entry == nullptr) return; // cleared
        entry->running = true;
    }
    struct Pin {
        ~Pin() {
            Callable callable;
            Fd unwatch = invalid_fd;
            std::uint64_t registration = 0;
            {
                const Lock lock(state.mutex);
                Entry& e = state.entries.at(id.slot);
                e.running = false;
                if (state.entries.find(id.slot, id.generation) != nullptr) return;
                if (e.still_watched) unwatch = e.fd;
                registration = e.registration;
                callable = std::move(e.callable); // it was cleared meanwhile
                state.entries.release(id.slot);
            }
            if (unwatch != invalid_fd && state.loop_is_there()) state.end_handler(unwatch, registration);
        }
        State& state;
        Id id;
    } const pin{*this, id};
    using Wanted = std::conditional_t<sizeof...(Args) == 0, Callback, Handler>;
    (*std::get_if<Wanted>(&entry->callable))(args...); // entries do not move
}

/// Ends the registration in this slot, if there is one: first here, so that it is not called any more.
bool Scope::State::end_one(std::uint32_t slot) noexcept {
    Callable callable; // destroyed last, outside the lock
    Timeout timeout{};
    Fd fd = invalid_fd;
    std::uint64_t registration = 0;
    {
        const Lock lock(mutex);
        if (slot >= entries.end()) return false;
        if (!entries.live(slot)) return true;
        Entry& entry = entries.at(slot);
        timeout = entry.timeout;
        fd = entry.fd;
        registration = entry.registration;
        if (fd != invalid_fd) {
            std::erase_if(handlers, [&](const auto& handler) { return handler.second.slot == slot; });
        }
        entries.retire(slot);
        if (!entry.running) {
            callable = std::move(entry.callable);
            entries.release(slot);
        } else if (!loop_is_there()) {
            // The call on the stack has destroyed the loop, or this is inside another loop's call. In that
            // case a timeout that it re-armed comes to nothing, and a handler is removed when it returns.
            entry.still_watched = fd != invalid_fd;
            return true;
        }
    }
    if (fd != invalid_fd) end_handler(fd, registration);
    if (timeout) loop.remove_timeout(timeout);
    return true;
}

void Scope::State::end_all() noexcept {
    for (std::uint32_t slot = 0; end_one(slot); ++slot) {}
}

/// That of `fd`, if it is the one that the loop has. (One on the stack may have been removed from there, and the number be
/// somebody else's.) Requires: the lock is held.
std::pair<Fd, Scope::State::Id>* Scope::State::find_handler(Fd fd, std::uint64_t registration) noexcept {
    if (registration == 0) return nullptr; // the loop has none
    for (auto& handler : handlers) {
        if (handler.first == fd && entries.at(handler.second.slot).registration == registration)
            return &handler;
    }
    return nullptr;
}

bool Scope::State::has_handler(Fd fd) noexcept {
    const std::uint64_t registration = loop.registration_of(fd);
    const Lock lock(mutex);
    return find_handler(fd, registration) != nullptr;
}

/// The handler may be on the stack: it stays until it returns, but the descriptor may have another one by then.
bool Scope::State::unbind(Fd fd) noexcept {
    const std::uint64_t registration = loop.registration_of(fd);
    const Lock lock(mutex);
    const auto* const found = find_handler(fd, registration);
    if (found == nullptr) return false;
    entries.at(found->second.slot).fd = invalid_fd;
    handlers.erase(handlers.begin() + (found - handlers.data()));
    return true;
}

bool Scope::State::post(Callback&& callback, const Origin& origin, Post how) {
    require(how == Post::spawned ? "spawn_callback" : "add_callback", static_cast<bool>(callback), origin);
    Id id{};
    {
        const Lock lock(mutex);
        if (closed) return false;
        id = entries.emplace(Entry{std::move(callback)});
    }
    Closure closure(shared_from_this(), id);
    switch (how) {
    case Post::added: return loop.add_callback(std::move(closure), origin);
    case Post::spawned: return loop.spawn_callback(std::move(closure), origin);
    case Post::late: break;
    }
    return to_loop.add_callback(std::move(closure), origin);
}

template <class When>
Timeout Scope::State::arm(Arm<When> member, const char* verb, When when, Callback&& callback,
                          const Origin& origin) {
    require(verb, static_cast<bool>(callback), origin);
    const Id id = emplace(std::move(callback), invalid_fd, verb, origin);
    const Timeout timeout = (loop.*member)(when, Closure(shared_from_this(), id), origin);
    const Lock lock(mutex);
    if (Entry* entry = entries.find(id.slot, id.generation)) entry->timeout = timeout;
    return timeout;
}

// ---- the scope ----------------------------------------------------------------------------------

Scope::Scope(IOLoop& loop, std::string name, const Origin& origin)
    : state_(std::make_shared<State>(loop, std::move(name), origin)) {
    loop.service<Scopes>("Scope").add(*state_);
}

Scope::~Scope() {
    {
        const State::Lock lock(state_->mutex);
        state_->closed = true;
    }
    // A late post may still be on its way to the loop. It is not waited for: its callable is gone then, its closure calls nothing,
    // and whoever posts may be waiting for what this thread holds, or be this thread.
    state_->end_all();
    if (state_->scopes != nullptr) state_->scopes->remove(*state_);
}

void Scope::clear() noexcept { state_->end_all(); }

void Scope::add_handler(Fd fd, Handler handler, Events events, std::error_code& error, const Origin& origin) {
    State& state = *state_;
    state.require("add_handler", static_cast<bool>(handler), origin);
    const State::Id id = state.emplace(std::move(handler), fd, "add_handler", origin);
    state.loop.add_handler(fd, State::Closure(state_, id), events, error, origin);
    if (error) return;
    const std::uint64_t registration = state.loop.registration_of(fd);
    const State::Lock lock(state.mutex);
    if (State::Entry* const entry = state.entries.find(id.slot, id.generation))
        entry->registration = registration;
}
void Scope::add_handler(Fd fd, Handler handler, Events events, const Origin& origin) {
    std::error_code error;
    add_handler(fd, std::move(handler), events, error, origin);
    if (!error) return;
    std::string text = "add_handler: fd " + std::to_string(fd) + ", " + state_->where(origin);
    if (error == std::errc::file_exists) text.append("; it has a handler already");
    if (error == std::errc::operation_not_permitted) text.append("; it cannot be watched (a regular file?)");
    raise(std::system_error(error, text));
}

void Scope::update_handler(Fd fd, Events events, std::error_code& error) {
    if (state_->has_handler(fd)) {
        state_->loop.update_handler(fd, events, error);
    } else {
        error = make_error_code(std::errc::no_such_file_or_directory);
    }
}
void Scope::update_handler(Fd fd, Events events) {
    std::error_code error;
    update_handler(fd, events, error);
    if (!error) return;
    raise(std::system_error(error, "update_handler: fd " + std::to_string(fd) + ", scope '" + name() + "'"));
}
bool Scope::remove_handler(Fd fd) noexcept { return state_->unbind(fd) && state_->loop.remove_handler(fd); }

bool Scope::add_callback(Callback callback, const Origin& origin) {
    return state_->post(std::move(callback), origin, State::Post::added);
}
bool Scope::spawn_callback(Callback callback, const Origin& origin) {
    return state_->post(std::move(callback), origin, State::Post::spawned);
}
bool Scope::Poster::add_callback(Callback callback, const Origin& origin) {
    return state_->post(std::move(callback), origin, State::Post::late);
}

Timeout Scope::call_at(TimePoint deadline, Callback callback, const Origin& origin) {
    return state_->arm<TimePoint>(&IOLoop::call_at, "call_at", deadline, std::move(callback), origin);
}
Timeout Scope::call_later(Duration delay, Callback callback, const Origin& origin) {
    return state_->arm<Duration>(&IOLoop::call_later, "call_later", delay, std::move(callback), origin);
}
Timeout Scope::add_timeout(TimePoint deadline, Callback callback, const Origin& origin) {
    return state_->arm<TimePoint>(&IOLoop::add_timeout, "add_timeout", deadline, std::move(callback), origin);
}
Timeout Scope::add_timeout(Duration delay, Callback callback, const Origin& origin) {
    return state_->arm<Duration>(&IOLoop::add_timeout, "add_timeout", delay, std::move(callback), origin);
}
bool Scope::remove_timeout(Timeout timeout) noexcept { return state_->loop.remove_timeout(timeout); }
bool Scope::update_timeout(Timeout timeout, TimePoint deadline) noexcept {
    return state_->loop.update_timeout(timeout, deadline);
}

IOLoop& Scope::loop() const noexcept { return state_->loop; }
const std::string& Scope::name() const noexcept { return state_->name; }
std::size_t Scope::size() const noexcept { return state_->size(); }

} // namespace ioloop
