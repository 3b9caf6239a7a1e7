// SPDX-License-Identifier: MIT
#include <ioloop/inspect/lint.hpp>

#include <array>

namespace ioloop {
namespace {

constexpr std::array<LintText, lint_count> texts{{
    // descriptors
    {"busy-read", "A handler does not read what its descriptor has",
     "The descriptor stays readable, so every wait comes back at once and the handler runs in every turn: a "
     "CPU is "
     "busy doing nothing.",
     "Read in the handler until nothing is left (EAGAIN), accept() what a listener has, and at the end of "
     "the stream "
     "(read() gives 0) call remove_handler() and close. To read later, take Events::read away by "
     "update_handler() "
     "until then.",
     Severity::error},
    {"write-spin", "A handler waits to write and has nothing to write",
     "A socket is writable nearly always, so every wait comes back at once and the handler runs in every "
     "turn.",
     "Ask for Events::write only while there is something left to send: update_handler(fd, Events::read) "
     "when the "
     "last byte is written, update_handler(fd, Events::read | Events::write) when a write comes back short.",
     Severity::error},
    {"hup-spin", "A descriptor has hung up and its handler stays registered",
     "Errors and hang-ups are reported whatever was asked for, and never cease; every wait comes back at "
     "once.",
     "When a handler is called with Events::error, look at the error, then remove_handler() and close. A "
     "descriptor "
     "that is only parked is better removed than watched for Events::none.",
     Severity::error},
    {"ghost-fd", "A descriptor was closed, and the kernel still watches it",
     "A duplicate of it lives (dup(), fork(), another process), so the kernel goes on reporting what no "
     "number of "
     "this program stands for any more.",
     "Call remove_handler() before close(). Open descriptors with O_CLOEXEC, so that children do not keep "
     "them.",
     Severity::error},
    {"lost-fd", "A handler waits for a descriptor that nobody watches any more",
     "The descriptor was closed while its handler was registered, or taken out of the kernel's set behind "
     "the loop's "
     "back. The handler is never called again.",
     "Call remove_handler() before close(), in the owner's destructor for example; Scope does it by itself.",
     Severity::error},
    {"fd-reused", "The number of a registered descriptor is another file by now",
     "The descriptor was closed without remove_handler(), and the system gave its number to the next file. "
     "Its handler "
     "would read from a stranger, or is never called.",
     "Call remove_handler() before close(), and keep the two together in one owner.", Severity::error},
    {"blocking-fd", "A socket or pipe can block the loop",
     "It has no O_NONBLOCK. Being called means that one byte can be read or written, not two: the second "
     "read() may "
     "hang, and with it everything else of this loop.",
     "Make it non-blocking before add_handler(): SOCK_NONBLOCK to socket() and accept4(), O_NONBLOCK to "
     "pipe2(), or "
     "fcntl(fd, F_SETFL, flags | O_NONBLOCK).",
     Severity::warning},
    {"stale-event", "A handler was removed after its descriptor was closed",
     "The kernel could not be told any more, as a duplicate of the descriptor lives: readiness comes for "
     "nobody, and "
     "the loop has to make a new set to be rid of it.",
     "Call remove_handler() first, then close().", Severity::warning},

    // calls
    {"slow-dispatch", "A call takes too long",
     "Nothing else of this loop runs meanwhile, and a host that pumps it from its frame loses that frame.",
     "Cut the work into pieces that post themselves by add_callback(), or take it to another thread by "
     "run_in_executor(). A call that waits (a lock, a file, a name look-up) should become a handler or a "
     "task.",
     Severity::warning},
    {"over-budget", "The loop takes more than its share of the host's frames",
     "No single call is slow, but together they take time that was meant for drawing.",
     "Pump with run_once(no_wait, Budget{...}): what is left runs in the next frame. Or do less in each "
     "call: the "
     "table of call sites says where the time goes.",
     Severity::warning},
    {"repost-forever", "A callback posts itself, turn after turn",
     "Something is always queued, so the loop never sleeps: polling by another name.",
     "Wait for what it waits for: add_handler() for a descriptor, add_future() for a result, call_later() or "
     "a "
     "PeriodicCallback for a time.",
     Severity::warning},
    {"starvation", "Callbacks wait in the queue although the loop runs",
     "What was posted long ago has still not run, as other calls take all the time or the budget there is.",
     "Raise the Budget of run_once(), post less, or make the calls that come before it shorter.",
     Severity::warning},
    {"queue-growing", "More is posted than run",
     "The queue grows without end; the memory goes, and what is posted runs later and later.",
     "Post one callback for many events (a flag that says that one is on its way), or let the producer wait "
     "until the "
     "queue has gone down.",
     Severity::error},
    {"threw", "An exception left a callable",
     "The loop reports it to the error hook and goes on, but what the callable was about to do is not done.",
     "Catch it where it can be dealt with. set_error_hook() tells where all others go.", Severity::error},

    // timeouts
    {"zero-timeout-loop", "A timeout arms itself anew for now",
     "It is due again as soon as it has run, so the loop never sleeps.",
     "Give call_later() or update_timeout() the time until there is something to do; for work in pieces use "
     "add_callback(), and stop when it is done.",
     Severity::error},
    {"timeout-storm", "Too many timeouts of one place are armed, or come due at once",
     "Arming, sorting and dropping them is work without result; those that come due together take one long "
     "turn.",
     "Keep one timeout and move it by update_timeout() whenever something happens. Spread what is periodic: "
     "PeriodicCallback::Options::jitter.",
     Severity::warning},
    {"timer-leak", "Ever more timeouts or descriptors of one place",
     "They are made and never removed, with all that their callables own.",
     "Keep what add_handler() and call_later() gave, and let the end of the owner end it: remove_handler(), "
     "remove_timeout(), or a Scope, which does both.",
     Severity::warning},
    {"late-timer", "Timeouts run late, as other calls keep the loop",
     "Each call before it is short, but together they take longer than the timeout may wait.",
     "Do less in a turn, or spread it: Budget for the pump, add_callback() between pieces, run_in_executor() "
     "for what "
     "computes.",
     Severity::warning},
    {"periodic-overrun", "The work of a periodic callback takes longer than its period",
     "It is due again before it has ended, so ticks are missed and everything else waits.",
     "Lengthen the period, or take the work to another thread by run_in_executor(). "
     "PeriodicCallback::missed() counts "
     "what was left out.",
     Severity::warning},

    // hosts and threads
    {"not-pumped", "Nobody runs the loop, although there is work",
     "The host draws frames and does not call run_once(), so timeouts, callbacks and sockets wait.",
     "Call run_once(no_wait, Budget{...}) in every frame, also in menus and while loading; or suspend() the "
     "loop for as "
     "long as it is not to run.",
     Severity::error},
    {"cross-thread", "A member for the loop's thread was called from another thread",
     "It was refused with an exception there; without that it would have been a data race.",
     "Post it: loop.add_callback([...] { ... }) may be called from any thread, as may a Poster.",
     Severity::error},
}};

/// A list that is shorter than the lints would leave some without a text.
static_assert(texts.back().name != nullptr);

} // namespace

const LintText& text_of(Lint lint) noexcept { return texts[static_cast<std::size_t>(lint)]; }

} // namespace ioloop
