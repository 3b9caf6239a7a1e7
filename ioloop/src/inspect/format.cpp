// SPDX-License-Identifier: MIT
#include <ioloop/inspect/format.hpp>

#include <array>
#include <cmath>
#include <cstddef>

namespace ioloop {
namespace {

/// Three significant digits. The thresholds are where rounding would make it four.
Text& add_three_digits(Text& text, double value) {
    if (value < 9.995) return text.add_fixed(value, 2);
    if (value < 99.95) return text.add_fixed(value, 1);
    return text.add_fixed(value, 0);
}

} // namespace

Text format_duration(Duration duration) {
    struct Unit {
        double size;
        double until; ///< in this unit; from here on the next one is used
        const char* name;
    };
    static constexpr std::array<Unit, 6> units{{{1e3, 999.5, " us"},
                                                {1e6, 999.5, " ms"},
                                                {1e9, 99.95, " s"},
                                                {60e9, 99.95, " min"},
                                                {3600e9, 47.95, " h"},
                                                {86400e9, HUGE_VAL, " d"}}};
    if (duration == forever) return "never";
    if (duration == Duration::zero()) return "0";
    Text text;
    if (duration < Duration::zero()) text.add("-");
    const double value = std::abs(static_cast<double>(duration.count()));
    if (value < 1000) return text.add_fixed(value, 0).add(" ns");
    for (const Unit& unit : units) {
        if (value / unit.size < unit.until) {
            add_three_digits(text, value / unit.size).add(unit.name);
            break;
        }
    }
    return text;
}

Text format_count(std::uint64_t count) {
    Text text;
    if (count < 100'000) return text.add(count);
    const auto value = static_cast<double>(count);
    if (value < 999.5e3) return add_three_digits(text, value / 1e3).add("k");
    if (value < 999.5e6) return add_three_digits(text, value / 1e6).add("M");
    return add_three_digits(text, value / 1e9).add("G");
}

Text format_rate(double rate) {
    Text text;
    if (rate < 0.005) return "0";
    if (rate < 999.5) return add_three_digits(text, rate);
    if (rate < 999.5e3) return add_three_digits(text, rate / 1e3).add("k");
    return add_three_digits(text, rate / 1e6).add("M");
}

Text format_bytes(std::uint64_t bytes) {
    Text text;
    const auto value = static_cast<double>(bytes);
    if (bytes < 1024) return text.add(bytes).add(" B");
    if (value < 1024 * 1024) return add_three_digits(text, value / 1024).add(" KiB");
    return add_three_digits(text, value / (1024 * 1024)).add(" MiB");
}

Text format_share(double share) {
    Text text;
    return add_three_digits(text, share * 100).add(" %");
}

Text format_events(Events events) {
    Text text;
    if (any(events & Events::read)) text.add("R");
    if (any(events & Events::write)) text.add("W");
    if (any(events & Events::error)) text.add("!");
    return text.empty() ? Text("-") : text;
}

std::string_view base_name(std::string_view path) {
    const std::size_t slash = path.find_last_of("/\\");
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

Text format_place(const Origin& origin) {
    const std::string_view file = base_name(origin.file);
    return file.empty() ? Text("-") : Text(file).add(":").add(origin.line);
}

Text format_name(const Origin& origin) {
    if (origin.name != nullptr) return origin.name;
    // Every lambda is called operator(), which says nothing.
    const std::string_view function = origin.function;
    if (!function.empty() && function != "operator()") return Text(function).add("()");
    return origin.line != 0 ? format_place(origin) : Text("unnamed");
}

Text format_chain(const Chain& chain) {
    Text text;
    for (std::size_t i = 1; i < chain.sites.size() && chain.sites[i] != SiteId::none; ++i) {
        if (i > 1) text.add(" < ");
        text.add(format_name(origin_of(chain.sites[i])).view());
    }
    return text.empty() ? Text("-") : text;
}

Text format_places(const Chain& chain) {
    Text text;
    for (std::size_t i = 0; i < chain.sites.size() && chain.sites[i] != SiteId::none; ++i) {
        if (i > 0) text.add(" < ");
        text.add(format_place(origin_of(chain.sites[i])).view());
    }
    return text.empty() ? Text("-") : text;
}

Text format_wait(const WaitInfo& wait) {
    if (wait.what == WaitFor::descriptor) return Text("fd ").add(wait.id);
    Text text(name_of(wait.what));
    if (wait.what == WaitFor::task) text.add(" ").add(wait.id);
    if (wait.what == WaitFor::branches && wait.id != 0) text.add(", for a time");
    // Of a sleep without a name, the place is that of the co_await.
    const Origin& of = origin_of(wait.of);
    const bool tells = wait.what == WaitFor::timeout ? of.name != nullptr : wait.of != SiteId::none;
    if (tells) text.add(", ").add(format_name(of).view());
    return text;
}

} // namespace ioloop
