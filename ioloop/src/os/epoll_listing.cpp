// SPDX-License-Identifier: MIT
/// A list of one line for each descriptor, read through a buffer of fixed size. By hand, as the kernel's printing alone
/// takes a microsecond a line.
#include "epoll_listing.hpp"

#if defined(__linux__)
#include <ioloop/inspect/descriptor.hpp>

#include <charconv>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace ioloop {
namespace {

/// One line, from left to right.
class Fields {
public:
    explicit Fields(std::string_view line) : rest_(line) {}

    /// "<name> <value>". False if it does not come next, or does not fit into `value`.
    template <class T> bool take(std::string_view name, T& value, int base) {
        skip_blanks();
        if (!rest_.starts_with(name)) return false;
        rest_.remove_prefix(name.size());
        skip_blanks();
        const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value, base);
        if (error != std::errc()) return false;
        rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
        return rest_.empty() || rest_.front() == ' ';
    }
    bool at_end() {
        skip_blanks();
        return rest_.empty();
    }

private:
    void skip_blanks() {
        while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    }

    std::string_view rest_;
};

bool parse(std::string_view line, KernelSet::Entry& out) {
    Fields fields(line);
    if (!fields.take("tfd:", out.fd, 10) || out.fd < 0 || !fields.take("events:", out.events, 16) ||
        !fields.take("data:", out.id, 16)) {
        return false;
    }
    if (fields.at_end()) return true;
    std::int64_t position = 0;
    std::uint32_t device = 0; // in the kernel's own form
    if (!fields.take("pos:", position, 10) || !fields.take("ino:", out.file.inode, 16) ||
        !fields.take("sdev:", device, 16)) {
        return false;
    }
    constexpr unsigned minor_bits = 20;
    out.file.device = makedev(device >> minor_bits, device & ((1U << minor_bits) - 1));
    return true;
}

bool is_ghost(const KernelSet::Entry& entry) {
    const FileIdentity now = file_of(entry.fd);
    return !now || (entry.file && now != entry.file);
}

/// Closes itself.
class File {
public:
    explicit File(const char* path) : fd_(::open(path, O_RDONLY | O_CLOEXEC)) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    /// As read(2).
    ssize_t read(char* to, std::size_t room) const { return ::read(fd_, to, room); }

private:
    Fd fd_;
};

} // namespace

bool parse_epoll_listing(std::string_view text, std::vector<KernelSet::Entry>& out) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        if (end == std::string_view::npos) return false;
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        if (!line.starts_with("tfd:")) continue;
        KernelSet::Entry entry;
        if (!parse(line, entry)) return false;
        out.push_back(entry);
    }
    return true;
}

bool list_epoll_set(Fd epoll, std::vector<KernelSet::Entry>& out) {
    char buffer[8192];
    std::snprintf(buffer, sizeof buffer, "/proc/self/fdinfo/%d", epoll);
    const File file(buffer);
    const std::size_t first = out.size();
    std::size_t kept = 0; // the beginning of a line whose end is yet to be read
    while (true) {
        const ssize_t size = file.read(buffer + kept, sizeof buffer - kept);
        if (size < 0) return false;
        if (size == 0) break; // the end, or a line longer than the buffer
        const std::string_view text(buffer, kept + static_cast<std::size_t>(size));
        const std::size_t whole = text.rfind('\n') + 1; // npos + 1 is 0
        if (!parse_epoll_listing(text.substr(0, whole), out)) return false;
        kept = text.size() - whole;
        std::memmove(buffer, buffer + whole, kept);
    }
    if (kept != 0) return false;
    for (std::size_t i = first; i < out.size(); ++i) out[i].ghost = is_ghost(out[i]);
    return true;
}

bool watches(const KernelSet::Entry& entry, Events interest) noexcept {
    std::uint32_t wanted = EPOLLERR | EPOLLHUP; // added by the kernel, asked for or not
    if (any(interest & Events::read)) wanted |= EPOLLIN;
    if (any(interest & Events::write)) wanted |= EPOLLOUT;
    return entry.events == wanted;
}

} // namespace ioloop

#else

namespace ioloop {

bool list_epoll_set(Fd, std::vector<KernelSet::Entry>&) { return false; }
bool parse_epoll_listing(std::string_view, std::vector<KernelSet::Entry>&) { return false; }
bool watches(const KernelSet::Entry&, Events) noexcept { return false; }

} // namespace ioloop

#endif
