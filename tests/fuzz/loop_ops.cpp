// SPDX-License-Identifier: MIT
// Random programs, done by the loop and by an obvious model of it: both must call the same things in the same order, and
// show the same of themselves. Over descriptors on paper, which makes some hundred thousand operations a second, and
// over the real pollers. (libFuzzer: over paper, or over the poller that IOLOOP_POLLER names.)
//
// IOLOOP_FUZZ_ROUNDS says how many programs, IOLOOP_FUZZ_SEED runs a single one; see support/fuzz.hpp.
#include "fuzz/loop_model.hpp"
#include "fuzz/loop_subject.hpp"
#include "fuzz/notes.hpp"
#include "support/fuzz.hpp"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;

namespace {

std::uint64_t operations = 0;

std::string compare(LoopSubject& subject, LoopModel& model) {
    model.play();
    subject.play();
    operations += subject.operations();
    return difference(subject.notes(), model.notes());
}

/// What is special about each kind of poller, on paper.
std::string over_paper(Choices& choices) {
    static constexpr PollerKind kinds[] = {PollerKind::epoll, PollerKind::poll, PollerKind::select,
                                           PollerKind::kqueue};
    const PollerTraits traits = traits_of(kinds[choices.draw(4)]);
    auto files = std::make_unique<PaperFiles>();
    auto poller = std::make_unique<PaperPoller>(*files, traits);
    LoopModel model(choices, traits, false);
    LoopSubject subject(choices, std::move(files), std::move(poller));
    return compare(subject, model);
}

#if !defined(_WIN32)
std::string over_sockets(PollerKind kind, Choices& choices) {
    auto poller = make_poller(kind);
    for (const PollerKind each : available_pollers()) {
        if (name_of(each) == poller->name()) kind = each;
    }
    LoopModel model(choices, traits_of(kind), poller->native_handle() != invalid_fd);
    LoopSubject subject(choices, std::make_unique<SocketDescriptors>(), std::move(poller));
    return compare(subject, model);
}
#endif

} // namespace

#if defined(IOLOOP_LIBFUZZER)

namespace {

std::string over_paper_or_a_poller(Choices& choices) {
#if !defined(_WIN32)
    static const bool real = std::getenv("IOLOOP_POLLER") != nullptr;
    if (real) return over_sockets(PollerKind::automatic, choices);
#endif
    return over_paper(choices);
}

} // namespace

FUZZ_TEST(LoopOps, the_loop_does_what_the_model_does, over_paper_or_a_poller)

#else

namespace {

/// Says how many operations there were.
class LoopOps : public testing::Test {
protected:
    void SetUp() override { operations = 0; }
    void TearDown() override {
        std::printf("             %llu operations\n", static_cast<unsigned long long>(operations));
    }
};

TEST_F(LoopOps, the_loop_does_what_the_model_does) { run_fuzz_programs(over_paper, 1000); }

#if !defined(_WIN32)

class LoopOpsOverPollers : public LoopOps, public testing::WithParamInterface<PollerKind> {};

TEST_P(LoopOpsOverPollers, the_loop_does_what_the_model_does) {
    run_fuzz_programs([](Choices& choices) { return over_sockets(GetParam(), choices); }, 100);
}

INSTANTIATE_TEST_SUITE_P(Every, LoopOpsOverPollers, testing::ValuesIn([] {
                             auto kinds = available_pollers();
                             std::erase(kinds, PollerKind::null);
                             return kinds;
                         }()),
                         [](const auto& kind) { return std::string(name_of(kind.param)); });

#endif

} // namespace

#endif
