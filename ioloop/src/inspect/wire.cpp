// SPDX-License-Identifier: MIT
#include "wire.hpp"

#include <algorithm>

namespace ioloop {

void WireWriter::chain(const Chain& chain) {
    std::size_t size = chain.sites.size();
    while (size > 0 && chain.sites[size - 1] == SiteId::none) --size;
    out_.push_back(static_cast<std::uint8_t>(size));
    for (std::size_t i = 0; i < size; ++i) site(chain.sites[i]);
}

void WireWriter::text(std::string_view text) {
    raw(text.size());
    out_.insert(out_.end(), text.begin(), text.end());
}

std::uint64_t WireReader::raw(std::uint64_t most) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (bytes_.empty()) break;
        const std::uint8_t byte = bytes_.front();
        bytes_ = bytes_.subspan(1);
        if (shift == 63 && byte > 1) break; // more than 64 bits
        value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
        if (byte >= 0x80) continue;
        if (value > most) break;
        return value;
    }
    fail();
    return 0;
}

void WireReader::events(Events& events) {
    constexpr auto all = static_cast<std::uint64_t>(Events::read | Events::write | Events::error);
    const std::uint64_t value = raw(all);
    if ((value & ~all) != 0) fail();
    events = ok_ ? static_cast<Events>(value) : Events::none;
}

void WireReader::fd(Fd& fd) {
    const std::int64_t value = signed_number();
    // A program of another system may have wider ones than this.
    fd = static_cast<Fd>(value);
    if (value < -1 || static_cast<std::int64_t>(fd) != value) fail();
    if (!ok_) fd = invalid_fd;
}

void WireReader::site(SiteId& site) {
    const std::uint64_t number = raw();
    site = sites_ != nullptr ? sites_->site_of(number) : SiteId::none;
}

void WireReader::chain(Chain& chain) {
    chain = {};
    const std::uint64_t size = raw(chain.sites.size());
    for (std::size_t i = 0; i < size; ++i) site(chain.sites[i]);
}

std::string_view WireReader::text(std::size_t longest) {
    const std::uint64_t size = raw(longest);
    if (size > bytes_.size()) fail();
    if (!ok_ || size == 0) return ""; // never null: who copies nothing still wants a place to copy it from
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()), static_cast<std::size_t>(size));
    bytes_ = bytes_.subspan(text.size());
    return text;
}

void WireReader::fill(std::span<char> buffer) {
    const std::string_view said = text(buffer.size() - 1);
    std::fill(buffer.begin(), buffer.end(), '\0');
    std::copy(said.begin(), said.end(), buffer.begin());
}

} // namespace ioloop
