// SPDX-License-Identifier: MIT
#include <ioloop/poster.hpp>
#include <ioloop/readiness.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace ioloop::detail {

/// Which tasks wait for which descriptor: one handler of the loop for all that wait for one.
class DescriptorWaits final : public Service {
public:
    explicit DescriptorWaits(IOLoop& loop) : loop_(loop) {}
    ~DescriptorWaits() override {
        *alive_ = nullptr;
        for (auto& [fd, list] : lists_) {
            while (list.first != nullptr) unlink(*list.first);
        }
        while (going_ != nullptr) unlink(*going_);
    }

    void add(ReadinessAwaiter& waiter) {
        List& list = lists_[waiter.fd_];
        const NullContext none; // each has its own
        if (list.first == nullptr) {
            struct Undo {
                ~Undo() {
                    if (failed) waits.lists_.erase(fd);
                }
                DescriptorWaits& waits;
                Fd fd;
                bool failed = true;
            } undo{*this, waiter.fd_};
            const std::uint64_t registration = ++registrations_;
            auto handler = [this, sentinel = sentinel(waiter.fd_, registration)](Fd fd, Events events) {
                ready(fd, events);
            };
            loop_.add_handler(waiter.fd_, std::move(handler), waiter.wanted_, waiter.origin_);
            undo.failed = false;
            list.registration = registration;
            list.interest = waiter.wanted_;
        } else if ((list.interest & waiter.wanted_) != waiter.wanted_) {
            loop_.update_handler(waiter.fd_, list.interest | waiter.wanted_);
            list.interest |= waiter.wanted_;
        }
        ReadinessAwaiter** end = &list.first;
        while (*end != nullptr) end = &(*end)->next_;
        link(waiter, end);
    }

    void remove(ReadinessAwaiter& waiter) noexcept {
        unlink(waiter);
        settle(waiter.fd_);
    }

private:
    struct List {
        ReadinessAwaiter* first = nullptr;
        Events interest = Events::none;
        std::uint64_t registration = 0;
    };

    /// Dies with the handler. If that is not our doing, the loop has found the descriptor closed: then whoever waits
    /// for it must hear of it, or would wait for ever.
    std::shared_ptr<void> sentinel(Fd fd, std::uint64_t registration) {
        return {nullptr, [alive = alive_, fd, registration](std::nullptr_t) {
                    if (*alive != nullptr) (*alive)->dropped(fd, registration);
                }};
    }
    /// At once, as the number may have another handler by the time that they go on.
    void dropped(Fd fd, std::uint64_t registration) {
        const auto found = lists_.find(fd);
        if (found == lists_.end() || found->second.registration != registration) return;
        take_out(found->second, Events::error);
        lists_.erase(found);
        go_later();
    }

    void link(ReadinessAwaiter& waiter, ReadinessAwaiter** at) noexcept {
        waiter.waits_ = this;
        waiter.link_ = at;
        waiter.next_ = nullptr;
        *at = &waiter;
    }
    static void unlink(ReadinessAwaiter& waiter) noexcept {
        *waiter.link_ = waiter.next_;
        if (waiter.next_ != nullptr) waiter.next_->link_ = waiter.link_;
        waiter.waits_ = nullptr;
    }

    /// Watches for what is still waited for, and no more: else a level-triggered descriptor would spin.
    void settle(Fd fd) noexcept {
        const auto found = lists_.find(fd);
        if (found == lists_.end()) return;
        Events wanted = Events::none;
        for (const ReadinessAwaiter* w = found->second.first; w != nullptr; w = w->next_)
            wanted |= w->wanted_;
        if (wanted == found->second.interest) return;
        found->second.interest = wanted;
        if (found->second.first == nullptr) {
            lists_.erase(found);
            loop_.remove_handler(fd);
            return;
        }
        std::error_code ignored; // closed behind our back: the loop finds that out by itself
        loop_.update_handler(fd, wanted, ignored);
    }

    void ready(Fd fd, Events events) {
        // First those that go on are taken out, then each is resumed: a task may destroy others, or wait again.
        take_out(lists_.at(fd), events);
        settle(fd);
        go();
    }
    void take_out(List& list, Events events) noexcept {
        ReadinessAwaiter** end = &going_;
        while (*end != nullptr) end = &(*end)->next_;
        for (ReadinessAwaiter* waiter = list.first; waiter != nullptr;) {
            ReadinessAwaiter* const next = waiter->next_;
            if (any(events & (waiter->wanted_ | Events::error))) {
                unlink(*waiter);
                waiter->ready_ = events & (waiter->wanted_ | Events::error);
                link(*waiter, end);
                end = &waiter->next_;
            }
            waiter = next;
        }
    }
    void go() {
        struct Rest { // there is one if somebody's context cannot be entered
            ~Rest() {
                if (*alive != nullptr && (*alive)->going_ != nullptr) (*alive)->go_later();
            }
            std::shared_ptr<DescriptorWaits*> alive; ///< a task may destroy the loop
        } const rest{alive_};
        while (*rest.alive != nullptr && going_ != nullptr) {
            ReadinessAwaiter& waiter = *going_;
            unlink(waiter);
            waiter.suspension_.resume();
        }
    }
    void go_later() {
        const NullContext none;
        Poster(loop_).deliver(
            [alive = alive_] {
                if (*alive != nullptr) (*alive)->go();
            },
            going_->suspension_.place());
    }

    IOLoop& loop_;
    std::unordered_map<Fd, List> lists_;
    ReadinessAwaiter* going_ = nullptr; ///< found ready, not resumed yet
    std::uint64_t registrations_ = 0;
    std::shared_ptr<DescriptorWaits*> alive_ = std::make_shared<DescriptorWaits*>(this);
};

void ReadinessAwaiter::join() {
    if (may_wait()) loop_of_coroutine().service<DescriptorWaits>("co_await readable, writable").add(*this);
}

void ReadinessAwaiter::leave() noexcept { waits_->remove(*this); }

} // namespace ioloop::detail
