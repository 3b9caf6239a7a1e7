// SPDX-License-Identifier: MIT
#include "trace.hpp"

#include "session.hpp"

#include <ioloop/inspect/chrome_trace.hpp>

#include <stdexcept>

namespace arena {
namespace {

ioloop::Recorder::Options sizes(bool saved) {
    ioloop::Recorder::Options options;
    if (saved) options.calls = options.turns = Trace::calls;
    return options;
}

} // namespace

Trace::Trace(const std::string& path) : path_(path), recorder_(sizes(!path.empty())) {
    if (path_.empty()) return;
    file_.open(path_, std::ios::binary);
    if (!file_) throw std::runtime_error("cannot write the trace to '" + path_ + "'");
}

bool Trace::save(const ioloop::IOLoop& loop) {
    if (path_.empty()) return true;
    ioloop::write_chrome_trace(recorder_, file_, loop.name());
    file_.close();
    if (!file_) log_line("cannot write the trace to '" + path_ + "'");
    return !file_.fail();
}

} // namespace arena
