// SPDX-License-Identifier: MIT
// What threads say to a loop: posts, signals, stop() and close(), while it runs, goes to sleep, or has a host that sleeps for it;
// in every order in which that can happen (scheduler.hpp). Some tests plant a bug, to see that the model would find it.
#include "model/explore.hpp"
#include "model/mini_loop.hpp"

#include <gtest/gtest.h>

namespace {

using model::expect_failure;
using model::MiniLoop;
using model::Options;
using model::Plant;
using model::Result;
using model::without_process_fence;

using Write = void (*)(MiniLoop&);

Result explore(Write write, Plant plant = Plant::nothing, const Options& options = {}) {
    return model::explore<MiniLoop>(
        [&](MiniLoop& p) {
            p.plant = plant;
            write(p);
        },
        options);
}
void expect_sound(Write write) { model::expect_sound(explore(write)); }
void expect_sound_also_without_process_fence(Write write) {
    expect_sound(write);
    model::expect_sound(explore(write, Plant::nothing, without_process_fence()));
}

// ---- a loop that sleeps by itself ---------------------------------------------------------------

void two_posters(MiniLoop& p) {
    p.threads = {[&p] { p.run(2); }, [&p] { p.post(0); }, [&p] { p.post(0); }};
}
void one_poster_twice(MiniLoop& p) {
    p.is_used();
    p.threads = {[&p] { p.run(2); }, [&p] { p.post(0), p.post(1); }};
}
/// It belongs to thread 0 as long as nobody else has run it, which posts past the inbox.
void the_earlier_runner_posts(MiniLoop& p) {
    p.threads = {[&p] { p.post(0), p.post(1), p.post(2); }, [&p] { p.run(3); }};
}
void the_earlier_runner_posts_and_another(MiniLoop& p) {
    p.is_used();
    p.threads = {[&p] { p.post(0); }, [&p] { p.run(2); }, [&p] { p.post(0); }};
}
void poster_and_stop(MiniLoop& p) {
    p.threads = {[&p] { p.run(9); }, [&p] { p.post(0); }, [&p] { p.stop(); }};
}

TEST(Protocols, no_wake_up_is_lost_whoever_posts_while_the_loop_goes_to_sleep) {
    expect_sound(two_posters);
    expect_sound(one_poster_twice);
    expect_sound_also_without_process_fence(the_earlier_runner_posts);
    expect_sound(the_earlier_runner_posts_and_another);
}
TEST(Protocols, no_stop_is_lost_while_the_loop_goes_to_sleep) { expect_sound(poster_and_stop); }

TEST(Protocols, planted_without_the_second_look_a_wake_up_is_lost) {
    for (const Plant plant : {Plant::no_second_look, Plant::announced_late, Plant::announced_relaxed}) {
        for (const Write write : {two_posters, one_poster_twice, poster_and_stop})
            expect_failure(explore(write, plant), "a thread waits for ever");
    }
}
TEST(Protocols, planted_told_before_the_push_the_loop_sleeps_on_a_post) {
    expect_failure(explore(two_posters, Plant::told_first), "a thread waits for ever");
    expect_failure(explore(one_poster_twice, Plant::told_first), "a thread waits for ever");
}

// ---- who takes out what -------------------------------------------------------------------------

void posters_and_pump(MiniLoop& p) {
    p.threads = {[&p] { p.run_once(), p.run_once(); }, [&p] { p.post(0); }, [&p] { p.post(0); }};
}
void pumped_by_two(MiniLoop& p) {
    p.threads = {[&p] { p.post(0), p.run_once(); }, [&p] { p.run_once(), p.post(0); }};
}
void pumped_by_two_others(MiniLoop& p) {
    p.is_used();
    p.threads = {[&p] { p.post(0), p.post(1); }, [&p] { p.run_once(); }, [&p] { p.run_once(); }};
}

TEST(Protocols, posts_are_taken_out_once_and_in_order) {
    expect_sound(posters_and_pump);
    expect_sound_also_without_process_fence(pumped_by_two);
    expect_sound(pumped_by_two_others);
}
TEST(Protocols, planted_without_the_heavy_fence_two_threads_use_the_queue) {
    Options options;
    options.heavy_fence_works = false;
    for (const Write write : {the_earlier_runner_posts, pumped_by_two, pumped_by_two_others})
        EXPECT_NE(explore(write, Plant::nothing, options).failure, "");
}

// ---- a loop whose host sleeps -------------------------------------------------------------------

void host_by_handle(MiniLoop& p) {
    p.has_host(MiniLoop::Host::watches_handle);
    p.threads = {[&p] { p.host(2); }, [&p] { p.post(0), p.post(1); }};
}
void host_by_handle_and_two(MiniLoop& p) {
    p.has_host(MiniLoop::Host::watches_handle);
    p.threads = {[&p] { p.host(2); }, [&p] { p.post(0); }, [&p] { p.post(0); }};
}
void host_by_handle_and_three_posts(MiniLoop& p) {
    p.has_host(MiniLoop::Host::watches_handle);
    p.threads = {[&p] { p.host(3); }, [&p] { p.post(0); }, [&p] { p.post(0), p.post(1); }};
}
void host_by_waker(MiniLoop& p) {
    p.has_host(MiniLoop::Host::has_waker);
    p.threads = {[&p] { p.host(2); }, [&p] { p.post(0), p.post(1); }};
}
void host_by_waker_and_two(MiniLoop& p) {
    p.has_host(MiniLoop::Host::has_waker);
    p.threads = {[&p] { p.host(2); }, [&p] { p.post(0); }, [&p] { p.post(0); }};
}

TEST(Protocols, no_wake_up_is_lost_while_a_host_goes_to_sleep) {
    expect_sound(host_by_handle);
    expect_sound(host_by_handle_and_two);
    expect_sound(host_by_waker);
    expect_sound(host_by_waker_and_two);
    // More than four million states: those that three interruptions lead to.
    Options options;
    options.most_interruptions = 3;
    model::expect_sound(explore(host_by_handle_and_three_posts, Plant::nothing, options));
}
TEST(Protocols, planted_a_host_that_was_told_too_early_is_not_told_again) {
    expect_failure(explore(host_by_handle_and_three_posts, Plant::glance_as_parked),
                   "a thread waits for ever");
    expect_failure(explore(host_by_waker, Plant::glance_as_parked), "a thread waits for ever");
}
TEST(Protocols, planted_without_a_look_when_it_is_parked_a_host_sleeps_on_a_post) {
    expect_failure(explore(host_by_handle, Plant::no_look_in_park), "a thread waits for ever");
}

void rung_while_another_leaves(MiniLoop& p) {
    p.has_host(MiniLoop::Host::has_waker);
    p.threads = {[&p] { p.run_once(); }, [&p] { p.run_if_rung(2); }, [&p] { p.post(0), p.post(1); }};
}

TEST(Protocols, who_is_rung_may_be_another_thread_than_ran_the_loop_last) {
    expect_sound_also_without_process_fence(rung_while_another_leaves);
}
TEST(Protocols, planted_without_a_word_before_it_is_parked_the_one_who_is_rung_is_refused) {
    expect_failure(explore(rung_while_another_leaves, Plant::parked_unsaid), "who was rung is refused");
}

// ---- signals ------------------------------------------------------------------------------------

void signal_and_post(MiniLoop& p) {
    p.has_signals();
    p.threads = {[&p] { p.run(2); }, [&p] { p.post_from_signal(0); }, [&p] { p.post(0); }};
}
void signals_and_host(MiniLoop& p) {
    p.has_signals();
    p.has_host(MiniLoop::Host::watches_handle);
    p.threads = {[&p] { p.host(2); }, [&p] { p.post_from_signal(0), p.post_from_signal(1); }};
}

TEST(Protocols, no_signal_is_lost_while_the_loop_or_its_host_goes_to_sleep) {
    expect_sound(signal_and_post);
    expect_sound(signals_and_host);
}
TEST(Protocols, planted_without_a_second_look_at_signals_one_is_lost) {
    expect_failure(explore(signal_and_post, Plant::no_look_at_signals), "a thread waits for ever");
}

// ---- closing ------------------------------------------------------------------------------------

/// Not by the thread that the loop belongs to.
void posts_and_close(MiniLoop& p) {
    p.is_to_be_closed();
    p.is_used();
    p.threads = {[&p] { p.post(0), p.post(1); }, [&p] { p.close(); }};
}
void posters_and_close(MiniLoop& p) {
    p.is_to_be_closed();
    p.threads = {[&p] { p.post(0); }, [&p] { p.close(); }, [&p] { p.post(0); }};
}
void parked_and_closed(MiniLoop& p) {
    p.is_to_be_closed();
    p.has_host(MiniLoop::Host::watches_handle);
    p.threads = {[&p] { p.close(); }, [&p] { p.post(0); }, [&p] { p.post(0); }};
}

TEST(Protocols, nothing_is_accepted_after_close_has_cleared_the_queue) {
    expect_sound_also_without_process_fence(posts_and_close);
    expect_sound(posters_and_close);
}
TEST(Protocols, nobody_wakes_a_poller_that_is_gone) { expect_sound(parked_and_closed); }
TEST(Protocols, planted_without_the_adoption_a_post_is_accepted_after_close) {
    EXPECT_NE(explore(posts_and_close, Plant::no_adoption).failure, "");
}
TEST(Protocols, planted_without_waiting_for_wakers_a_poller_is_woken_that_is_gone) {
    expect_failure(explore(parked_and_closed, Plant::no_wait_for_wakers), "a poller was woken that is gone");
}

} // namespace
