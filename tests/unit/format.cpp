// SPDX-License-Identifier: MIT
/// How the inspector and the dump write things.
#include <ioloop/inspect/format.hpp>
#include <ioloop/inspect/text.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

using namespace ioloop;
using namespace std::chrono_literals;

namespace {

std::string duration(Duration d) { return format_duration(d).c_str(); }
std::string rate(double r) { return format_rate(r).c_str(); }
std::string count(std::uint64_t n) { return format_count(n).c_str(); }

TEST(Format, DurationsHaveThreeDigitsAndAUnit) {
    EXPECT_EQ(duration(0s), "0");
    EXPECT_EQ(duration(1ns), "1 ns");
    EXPECT_EQ(duration(999ns), "999 ns");
    EXPECT_EQ(duration(1us), "1.00 us");
    EXPECT_EQ(duration(62'400us), "62.4 ms");
    EXPECT_EQ(duration(999'499us), "999 ms");
    EXPECT_EQ(duration(999'900us), "1.00 s"); // not 1000 ms
    EXPECT_EQ(duration(9'996us), "10.0 ms");  // not 10.00
    EXPECT_EQ(duration(99s), "99.0 s");
    EXPECT_EQ(duration(300s), "5.00 min");
    EXPECT_EQ(duration(10h), "10.0 h");
    EXPECT_EQ(duration(72h), "3.00 d");
    EXPECT_EQ(duration(-1500us), "-1.50 ms");
    EXPECT_EQ(duration(forever), "never");
    EXPECT_EQ(duration(Duration::min()).front(), '-');
}

TEST(Format, CountsAndRatesAndBytes) {
    EXPECT_EQ(count(99'999), "99999");
    EXPECT_EQ(count(123'456), "123k");
    EXPECT_EQ(count(4'560'000), "4.56M");
    EXPECT_EQ(rate(0.001), "0");
    EXPECT_EQ(rate(0.25), "0.25");
    EXPECT_EQ(rate(61.26), "61.3");
    EXPECT_EQ(rate(12'345), "12.3k");
    EXPECT_STREQ(format_bytes(1536).c_str(), "1.50 KiB");
    EXPECT_STREQ(format_share(0.256).c_str(), "25.6 %");
    EXPECT_STREQ(format_events(Events::read | Events::write).c_str(), "RW");
    EXPECT_STREQ(format_events(Events::none).c_str(), "-");
}

TEST(Format, ANameIsNeverNothing) {
    EXPECT_STREQ(format_name(Origin("link")).c_str(), "link");
    Origin origin;
    EXPECT_STREQ(format_name(origin).c_str(), "unnamed");
    origin.file = "src\\net/game.cpp";
    origin.line = 12;
    origin.function = "operator()";
    EXPECT_STREQ(format_name(origin).c_str(), "game.cpp:12");
    origin.function = "on_close";
    EXPECT_STREQ(format_name(origin).c_str(), "on_close()");
}

TEST(Format, WhatDoesNotFitIsCutOff) {
    Text text;
    for (int i = 0; i < 100; ++i) text.add("123").add(std::uint64_t{4567});
    EXPECT_LE(text.view().size(), Text::capacity);
    EXPECT_EQ(std::string_view(text.c_str()), text.view());
}

} // namespace
