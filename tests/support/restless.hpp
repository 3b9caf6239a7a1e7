// SPDX-License-Identifier: MIT
/// Restless: a closure that is up to something each time it is moved: what it was moved from does it as it is destroyed.
#pragma once

#include <functional>

class Restless {
public:
    /// `deed` may be set, and be taken away, later. Lifetime: longer than this.
    explicit Restless(const std::function<void()>& deed) noexcept : deed_(&deed) {}
    Restless(Restless&& other) noexcept : deed_(other.deed_) {}
    Restless(const Restless&) = delete;
    Restless& operator=(Restless&&) = delete;
    Restless& operator=(const Restless&) = delete;
    ~Restless() {
        if (*deed_) (*deed_)();
    }
    void operator()() const {}

private:
    const std::function<void()>* deed_;
};
