// SPDX-License-Identifier: MIT
#include <ioloop/origin.hpp>
#include <ioloop/site.hpp>

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

using namespace ioloop;

namespace {

Origin where(Origin origin = Origin::here()) { return origin; }

/// As PeriodicCallback does: takes an Origin and passes it on.
Origin through_a_helper(Origin origin = Origin::here()) { return where(origin); }

} // namespace

TEST(Origin, is_the_place_of_the_call_not_of_the_callee) {
    const Origin origin = where();
    EXPECT_EQ(origin.line, static_cast<unsigned>(__LINE__ - 1));
    EXPECT_NE(std::string(origin.file).find("site.cpp"), std::string::npos);
    EXPECT_STREQ(origin.function, "TestBody");
    EXPECT_EQ(origin.name, nullptr);
}

TEST(Origin, a_string_literal_names_the_place_where_it_stands) {
    const Origin origin = where("session expiry");
    EXPECT_STREQ(origin.name, "session expiry");
    EXPECT_EQ(origin.line, static_cast<unsigned>(__LINE__ - 2));
}

TEST(Origin, passes_through_helpers) { EXPECT_EQ(through_a_helper().line, static_cast<unsigned>(__LINE__)); }

TEST(Origin, refuses_a_buffer_that_would_not_outlive_it) {
    static_assert(!std::is_constructible_v<Origin, char(&)[8]>);
    static_assert(std::is_constructible_v<Origin, const char(&)[8]>);
}

TEST(Site, the_same_place_has_the_same_number_and_another_place_another) {
    std::vector<SiteId> ids;
    for (int i = 0; i < 3; ++i) ids.push_back(site_of(where()));
    EXPECT_EQ(ids[0], ids[1]);
    EXPECT_EQ(ids[1], ids[2]);
    EXPECT_NE(ids[0], site_of(where()));
}

TEST(Site, gives_the_origin_back) {
    const SiteId id = site_of(where("a name"));
    EXPECT_STREQ(origin_of(id).name, "a name");
    EXPECT_EQ(origin_of(SiteId::none).name, nullptr);
    EXPECT_EQ(origin_of(SiteId::none).line, 0U);
}

TEST(Site, many_threads_agree_on_the_numbers) {
    constexpr unsigned lines = 2000;
    const auto intern_all = [](std::vector<SiteId>& out) {
        for (unsigned line = 0; line < lines; ++line)
            out.push_back(site_of(Origin::here("many.cpp", line, "f")));
    };
    std::vector<std::vector<SiteId>> ids(4);
    std::vector<std::thread> threads;
    threads.reserve(ids.size());
    for (auto& out : ids) threads.emplace_back(intern_all, std::ref(out));
    for (auto& thread : threads) thread.join();
    // The four threads run one function, so they pass one literal: one place, one number.
    for (const auto& out : ids) EXPECT_EQ(out, ids[0]);
    EXPECT_EQ(origin_of(ids[0][1234]).line, 1234U);
}

TEST(Chain, remembers_the_last_four_newest_first) {
    Chain chain;
    std::vector<SiteId> ids;
    for (unsigned i = 0; i < 6; ++i) {
        ids.push_back(site_of(Origin::here("chain.cpp", i, "f")));
        chain = chain.then(ids.back());
    }
    EXPECT_EQ(chain.sites, (std::array{ids[5], ids[4], ids[3], ids[2]}));
    EXPECT_EQ(chain.origin().line, 5U);
}
