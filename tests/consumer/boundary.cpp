// SPDX-License-Identifier: MIT
// What is on both sides of a shared library, when the program hides its own symbols: services of the loop, types of errors.
#include <ioloop/ioloop.hpp>

#include <cstdio>

using namespace std::chrono_literals;

namespace {

class Inline final : public ioloop::Executor {
public:
    void execute(ioloop::Function<void()> job) override {
        ++jobs;
        job();
    }
    int jobs = 0;
};

ioloop::Task<> too_late() { co_await ioloop::with_timeout(1ms, ioloop::sleep_for(1h)); }

} // namespace

int main() {
    ioloop::IOLoop loop;
    Inline executor;
    loop.set_default_executor(&executor); // the library keeps it, the header asks for it
    const int answer = loop.run_sync(
        [&]() -> ioloop::Task<int> { co_return co_await loop.run_in_executor([] { return 42; }); });
    if (answer != 42 || executor.jobs != 1) {
        std::puts("the executor was not asked");
        return 1;
    }
    try {
        loop.run_sync(too_late);
    } catch (const ioloop::TimeoutError&) {
        return 0;
    }
    std::puts("nothing was thrown");
    return 1;
}
