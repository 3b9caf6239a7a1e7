// SPDX-License-Identifier: MIT
/// The bytes between an InspectorServer and its viewers: one Writer, one Reader, the same members. Floor 3.
///
/// What a record consists of is said once, by a template that both of them go through (moment_fields.hpp), so the two
/// ends cannot differ. Numbers are varints, seven bits to a byte, the lowest first; signed ones zigzag. A list has a
/// byte 1 before each row and a 0 at its end, so no count is believed.
///
/// Whatever a Reader is given, it reads no further than that, and once something makes no sense it is not ok() and
/// everything else reads as zero.
#pragma once

#include "site_names.hpp"
#include "site_numbers.hpp"

#include <ioloop/clock.hpp>
#include <ioloop/events.hpp>
#include <ioloop/fd.hpp>
#include <ioloop/inspect/text.hpp>
#include <ioloop/site.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace ioloop {

constexpr std::size_t any_size = SIZE_MAX; ///< for a list that has no bound

class WireWriter {
public:
    static constexpr bool reading = false;

    /// `sites` may be null if there are none in what is written.
    explicit WireWriter(std::vector<std::uint8_t>& out, SiteNumbers* sites = nullptr)
        : out_(out),
          sites_(sites) {}

    std::size_t size() const noexcept { return out_.size(); }

    void raw(std::uint64_t number) {
        for (; number >= 0x80; number >>= 7U) out_.push_back(static_cast<std::uint8_t>(number | 0x80U));
        out_.push_back(static_cast<std::uint8_t>(number));
    }
    template <std::unsigned_integral T> void number(const T& number) { raw(number); }
    void flag(bool value) { out_.push_back(value ? 1 : 0); }
    void bit(const bool& value) { flag(value); }
    template <class E> void choice(const E& value, E) { raw(static_cast<std::uint64_t>(value)); }
    void events(const Events& events) { raw(static_cast<std::uint64_t>(events)); }
    void fd(const Fd& fd) { signed_number(fd); }
    void duration(const Duration& duration) { signed_number(duration.count()); }
    void delay(const Duration& delay) { duration(delay); }
    void deadline(const TimePoint& deadline) { time(deadline); }
    /// Near a base, most often, and then short.
    void time(const TimePoint& time) {
        const auto count = static_cast<std::uint64_t>(time.time_since_epoch().count());
        signed_number(static_cast<std::int64_t>(count - base_));
    }
    void set_base(TimePoint base) { base_ = static_cast<std::uint64_t>(base.time_since_epoch().count()); }
    void site(const SiteId& site) { raw(sites_ != nullptr ? sites_->number_of(site) : 0); }
    void chain(const Chain& chain);
    void text(std::string_view text);
    void text(const Text& value) { text(value.view()); }
    template <std::size_t N> void text(const char (&buffer)[N]) { text(until_zero({buffer, N})); }
    template <std::size_t N> void text(const std::array<char, N>& buffer) {
        text(until_zero({buffer.data(), N}));
    }
    /// What lives as long as the program: a literal.
    void name(const std::string_view& name) { text(name); }
    void name(const char* const& name) {
        text(name != nullptr ? std::string_view(name) : std::string_view());
    }

    /// The rows of a list, as many as are at most `most` and begin before `end` bytes; and how many are left out.
    template <class List, class F>
    std::uint64_t rows(List& list, std::size_t most, std::size_t end, F&& row) {
        std::size_t i = 0;
        for (auto at = list.begin(); at != list.end() && i < most && out_.size() < end; ++at, ++i) {
            flag(true);
            row(*at, i);
        }
        flag(false);
        const std::uint64_t left_out = list.size() - i;
        raw(left_out);
        return left_out;
    }

    bool ok() const noexcept { return true; }

private:
    static std::string_view until_zero(std::string_view buffer) {
        return buffer.substr(0, buffer.find('\0'));
    }
    void signed_number(std::int64_t value) {
        raw((static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63));
    }

    std::vector<std::uint8_t>& out_;
    SiteNumbers* sites_;
    std::uint64_t base_ = 0;
};

class WireReader {
public:
    static constexpr bool reading = true;
    static constexpr std::size_t longest_text = 1024;

    explicit WireReader(std::span<const std::uint8_t> bytes, const SiteNames* sites = nullptr)
        : bytes_(bytes),
          sites_(sites) {}

    bool ok() const noexcept { return ok_; }
    /// Everything was read, and made sense.
    bool complete() const noexcept { return ok_ && bytes_.empty(); }
    void fail() noexcept {
        ok_ = false;
        bytes_ = {};
    }

    std::uint64_t raw(std::uint64_t most = UINT64_MAX);
    template <std::unsigned_integral T> void number(T& number) {
        number = static_cast<T>(raw(std::numeric_limits<T>::max()));
    }
    bool flag() { return raw(1) != 0; }
    void bit(bool& value) { value = flag(); }
    template <class E> void choice(E& value, E last) {
        value = static_cast<E>(raw(static_cast<std::uint64_t>(last)));
    }
    void events(Events& events);
    void fd(Fd& fd);
    /// What has passed: so long or far at most that the sum of a few still fits.
    void duration(Duration& duration) { duration = Duration(bounded(signed_number())); }
    void time(TimePoint& time) { time = TimePoint(Duration(bounded(from_base()))); }
    /// What may come: beyond that it is `forever` and `never`.
    void delay(Duration& delay) { delay = Duration(sane(signed_number())); }
    void deadline(TimePoint& deadline) { deadline = TimePoint(Duration(sane(from_base()))); }
    void set_base(TimePoint base) { base_ = static_cast<std::uint64_t>(base.time_since_epoch().count()); }
    void site(SiteId& site);
    void chain(Chain& chain);
    /// A part of the bytes: copy it before they go.
    std::string_view text(std::size_t longest);
    void text(Text& value) { value = Text(text(Text::capacity)); }
    template <std::size_t N> void text(char (&buffer)[N]) { fill({buffer, N}); }
    template <std::size_t N> void text(std::array<char, N>& buffer) { fill(buffer); }
    void name(std::string_view& name) { name = keep_name(text(longest_text)); }
    void name(const char*& name) {
        const std::string_view kept = keep_name(text(longest_text));
        name = kept.empty() ? nullptr : kept.data();
    }

    template <class List, class F> std::uint64_t rows(List& list, std::size_t most, std::size_t, F&& row) {
        for (std::size_t i = list.size(); flag(); ++i) {
            if (most-- == 0) {
                fail();
                break;
            }
            row(list.emplace_back(), i);
            if (!ok_) break;
        }
        return raw();
    }

private:
    static constexpr std::int64_t most_time = INT64_MAX / 4; ///< ns: 73 years
    static std::int64_t bounded(std::int64_t ns) noexcept { return std::clamp(ns, -most_time, most_time); }
    static std::int64_t sane(std::int64_t ns) noexcept { return ns > most_time ? INT64_MAX : bounded(ns); }
    std::int64_t from_base() {
        return static_cast<std::int64_t>(base_ + static_cast<std::uint64_t>(signed_number()));
    }
    void fill(std::span<char> buffer);
    std::int64_t signed_number() {
        const std::uint64_t value = raw();
        return static_cast<std::int64_t>((value >> 1U) ^ (~(value & 1U) + 1));
    }

    std::span<const std::uint8_t> bytes_;
    const SiteNames* sites_;
    std::uint64_t base_ = 0;
    bool ok_ = true;
};

} // namespace ioloop
