// SPDX-License-Identifier: MIT
/// Motd, where there is no libcurl: there is never a message.
#include "motd.hpp"

#include <utility>

namespace arena {

class Motd::Impl {
public:
    View view;
};

Motd::Motd(ioloop::IOLoop& loop, std::function<void(const std::string&)> log)
    : Motd(loop, std::move(log), Options()) {}
// NOLINTNEXTLINE(performance-unnecessary-value-param): it is kept where there is a Motd
Motd::Motd(ioloop::IOLoop&, std::function<void(const std::string&)>, Options)
    : impl_(std::make_unique<Impl>()) {}
Motd::~Motd() = default;

void Motd::ask(const std::string&, std::uint16_t) {}
void Motd::dismiss() {}
const Motd::View& Motd::view() const noexcept { return impl_->view; }

} // namespace arena
