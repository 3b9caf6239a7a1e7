// SPDX-License-Identifier: MIT
/// PaperFiles and PaperPoller: descriptors that exist on paper only, and the pollers' contract (poller.hpp) over them with
/// the plainest means. They make no system call, so that a great many programs can be tried; and they are what a model
/// of the loop takes the real ones for.
#pragma once

#include "fuzz/descriptors.hpp"
#include "support/forwarding_poller.hpp"
#include "support/poller_traits.hpp"

#include <ioloop/poller.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

class PaperFiles final : public Descriptors {
public:
    using Fd = ioloop::Fd;

    struct File {
        bool readable = false;
        bool hung_up = false;
        int descriptors = 1; ///< numbers and duplicates that are open
    };

    PaperFiles() : files_(count), numbers_(count), duplicates_(count, nothing) {
        for (unsigned i = 0; i < count; ++i) numbers_[i].file = i;
    }

    Fd number(unsigned i) const override { return static_cast<Fd>(i); }
    void send(unsigned i) override { files_[numbers_[i].file].readable = true; }
    void drain(unsigned i) override { files_[numbers_[i].file].readable = false; }
    void hang_up(unsigned i) override { files_[numbers_[i].file].hung_up = true; }
    void close(unsigned i, bool duplicated) override {
        const unsigned file = numbers_[i].file;
        numbers_[i].file = nothing;
        if (duplicated) {
            duplicates_[i] = file;
        } else {
            --files_[file].descriptors;
        }
    }
    void reopen(unsigned i) override {
        numbers_[i].file = static_cast<unsigned>(files_.size());
        ++numbers_[i].openings;
        files_.emplace_back();
    }
    void send_to_duplicate(unsigned i) override { files_[duplicates_[i]].readable = true; }
    void close_duplicate(unsigned i) override {
        --files_[duplicates_[i]].descriptors;
        duplicates_[i] = nothing;
    }

    bool is_open(Fd fd) const { return fd >= 0 && fd < static_cast<Fd>(count) && file_at(fd) != nothing; }
    /// Which file the number stands for. Requires: it is in range.
    unsigned file_at(Fd fd) const { return numbers_[static_cast<std::size_t>(fd)].file; }
    unsigned openings(Fd fd) const { return numbers_[static_cast<std::size_t>(fd)].openings; }
    const File& file(unsigned index) const { return files_[index]; }

private:
    static constexpr unsigned nothing = ~0U;
    struct Number {
        unsigned file = nothing;
        unsigned openings = 0;
    };
    std::vector<File> files_; ///< all that there ever were
    std::vector<Number> numbers_;
    std::vector<unsigned> duplicates_;
};

class PaperPoller final : public ioloop::Poller {
public:
    using Duration = ioloop::Duration;
    using Events = ioloop::Events;
    using Fd = ioloop::Fd;
    using Closed = PollerTraits::Closed;

    PaperPoller(const PaperFiles& files, const PollerTraits& traits) : files_(files), traits_(traits) {}

    std::error_code add(Fd fd, Events interest, Key key) override {
        if (!files_.is_open(fd)) return make_error_code(std::errc::bad_file_descriptor);
        const unsigned file = files_.file_at(fd);
        if (Watch* watch = find(fd)) {
            if (watch->file == file) return make_error_code(std::errc::file_exists);
            *watch = {fd, file, files_.openings(fd), interest, key};
        } else {
            watches_.push_back({fd, file, files_.openings(fd), interest, key});
        }
        return {};
    }
    std::error_code modify(Fd fd, Events interest, Key key) override {
        Watch* const watch = find(fd);
        if (traits_.closed_descriptors == Closed::gone && watch == nullptr)
            return make_error_code(std::errc::no_such_file_or_directory);
        if (!files_.is_open(fd)) return make_error_code(std::errc::bad_file_descriptor);
        if (watch == nullptr) return make_error_code(std::errc::no_such_file_or_directory);
        watch->interest = interest;
        watch->key = key;
        return {};
    }
    std::error_code remove(Fd fd) override {
        const Watch* const watch = find(fd);
        if (watch == nullptr) return make_error_code(std::errc::no_such_file_or_directory);
        watches_.erase(watches_.begin() + (watch - watches_.data()));
        return {};
    }
    std::error_code reset() override {
        watches_.clear();
        return {};
    }
    std::error_code wait(std::span<Ready> ready, Duration, std::size_t& count) override {
        count = 0;
        forget();
        const bool told_of_closed = std::any_of(watches_.begin(), watches_.end(), [this](const Watch& watch) {
            return is_gone(watch) && (traits_.tells_hang_up_unasked || any(watch.interest));
        });
        for (const Watch& watch : watches_) {
            if (is_gone(watch)) {
                if (told_of_closed) ready[count++] = {watch.key, Events::error, true};
            } else if (const Events events = events_of(watch); any(events)) {
                ready[count++] = {watch.key, events, false};
            }
        }
        return {};
    }
    void wake() noexcept override {}
    std::string_view name() const noexcept override { return "paper"; }

private:
    struct Watch {
        Fd fd;
        unsigned file;
        unsigned opening; ///< of the number
        Events interest;
        Key key;
    };

    /// What the system forgets by itself.
    void forget() {
        std::erase_if(watches_, [this](const Watch& watch) {
            switch (traits_.closed_descriptors) {
            case Closed::silent: return files_.file(watch.file).descriptors == 0;
            case Closed::forgotten:
                return !files_.is_open(watch.fd) || files_.openings(watch.fd) != watch.opening;
            case Closed::gone: break;
            }
            return false;
        });
    }
    /// Who watches files looks for what the number stands for now; who watches numbers, for the number.
    Watch* find(Fd fd) {
        forget();
        const auto found = std::find_if(watches_.begin(), watches_.end(), [&](const Watch& watch) {
            return watch.fd == fd && (traits_.closed_descriptors != Closed::silent ||
                                      (files_.is_open(fd) && files_.file_at(fd) == watch.file));
        });
        return found != watches_.end() ? &*found : nullptr;
    }
    bool is_gone(const Watch& watch) const {
        return traits_.closed_descriptors == Closed::gone && !files_.is_open(watch.fd);
    }
    Events events_of(const Watch& watch) const {
        const unsigned watched =
            traits_.closed_descriptors == Closed::gone ? files_.file_at(watch.fd) : watch.file;
        const PaperFiles::File& file = files_.file(watched);
        const Events events = Events::write | (file.readable || file.hung_up ? Events::read : Events::none);
        const bool tells = any(watch.interest & Events::write) || traits_.tells_hang_up_unasked ||
                           (traits_.tells_hang_up_to_reader && any(watch.interest));
        const bool error = file.hung_up && traits_.tells_errors && tells;
        return (events & watch.interest) | (error ? Events::error : Events::none);
    }

    const PaperFiles& files_;
    const PollerTraits traits_;
    std::vector<Watch> watches_;
};

/// The order of what is ready is the poller's affair. Here it is one that a model can foretell: first what was removed
/// and goes on all the same, then by number. And so is what it can take: here all, or nothing while memory is short.
class SortedPoller final : public ForwardingPoller {
public:
    SortedPoller(std::unique_ptr<ioloop::Poller> real, const bool& memory_is_short)
        : ForwardingPoller(std::move(real)),
          memory_is_short_(memory_is_short) {}

    std::error_code add(Fd fd, Events events, Key key) override {
        if (memory_is_short_) return make_error_code(std::errc::not_enough_memory);
        const auto error = ForwardingPoller::add(fd, events, key);
        if (!error) keys_[fd] = key, numbers_[key] = fd;
        return error;
    }
    std::error_code modify(Fd fd, Events events, Key key) override {
        if (memory_is_short_) return make_error_code(std::errc::not_enough_memory);
        return ForwardingPoller::modify(fd, events, key);
    }
    std::error_code remove(Fd fd) override {
        keys_.erase(fd);
        return ForwardingPoller::remove(fd);
    }
    std::error_code reset() override {
        keys_.clear();
        return ForwardingPoller::reset();
    }
    std::error_code wait(std::span<Ready> ready, Duration timeout, std::size_t& count) override {
        const auto error = ForwardingPoller::wait(ready, timeout, count);
        const auto place = [this](Key key) {
            const Fd fd = numbers_.at(key);
            const auto owner = keys_.find(fd);
            return std::pair(owner != keys_.end() && owner->second == key, fd);
        };
        if (count > 1) {
            std::sort(ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(count),
                      [&](const Ready& a, const Ready& b) { return place(a.key) < place(b.key); });
        }
        return error;
    }

private:
    const bool& memory_is_short_;
    std::map<Fd, Key> keys_;    ///< of what is watched
    std::map<Key, Fd> numbers_; ///< of what ever was
};
