// SPDX-License-Identifier: MIT
#include "impairment.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace arena {

Impairment::Impairment(ioloop::IOLoop& loop, Options options, std::uint32_t seed)
    : random_(seed),
      scope_(loop, "bad network") {
    set_options(options);
}

void Impairment::set_options(Options options) {
    if (options.latency < ioloop::no_wait || options.jitter < ioloop::no_wait)
        throw std::invalid_argument("Impairment: latency and jitter are not negative");
    if (!(options.loss >= 0 && options.loss <= 1)) // nor is it no number
        throw std::invalid_argument("Impairment: loss is a part, from 0 to 1");
    options_ = options;
}

// Not a distribution of the library: each library has its own.
double Impairment::chance() { return static_cast<std::uint32_t>(random_()) / 4294967296.0; }

ioloop::Duration Impairment::delay() {
    const double more = static_cast<double>(options_.jitter.count()) * (2 * chance() - 1);
    return std::max(ioloop::no_wait, options_.latency + ioloop::Duration(static_cast<std::int64_t>(more)));
}

void Impairment::pass(ioloop::Callback deliver) {
    if (good()) return deliver();
    // Both are drawn for each, so that another loss leaves the delays as they are.
    const ioloop::Duration in = delay();
    if (chance() < options_.loss || under_way() >= most_under_way) {
        ++lost_;
        return;
    }
    scope_.call_later(in, std::move(deliver), "datagram under way");
}

bool Impairment::pass_in_order(ioloop::Callback deliver) {
    if (good() && in_order_ == 0) {
        deliver();
        return true;
    }
    if (under_way() >= most_under_way) return false;
    const ioloop::TimePoint at = ioloop::after(scope_.loop().time(), delay());
    last_in_order_ = std::max(last_in_order_, at);
    ++in_order_;
    // The loop calls those of one deadline in the order in which they were armed.
    scope_.call_at(
        last_in_order_,
        [this, deliver = std::move(deliver)]() mutable {
            --in_order_;
            deliver();
        },
        "message under way");
    return true;
}

void Impairment::clear() noexcept {
    scope_.clear();
    in_order_ = 0;
    last_in_order_ = {};
}

} // namespace arena
