// SPDX-License-Identifier: MIT
#include <ioloop/inspect/linter.hpp>

namespace ioloop {

class Linter::Impl {};

Linter::Linter(const IOLoop& loop, Recorder& recorder) : Linter(loop, recorder, Options{}) {}
Linter::Linter(const IOLoop&, Recorder&, const Options&) : impl_(std::make_unique<Impl>()) {}
Linter::~Linter() = default;
void Linter::check(const Snapshot&) {}
std::span<const Finding> Linter::findings() const noexcept { return {}; }
std::uint64_t Linter::version() const noexcept { return 0; }
void Linter::set_muted(Lint, bool) noexcept {}
bool Linter::muted(Lint) const noexcept { return false; }
void Linter::clear() noexcept {}

} // namespace ioloop
