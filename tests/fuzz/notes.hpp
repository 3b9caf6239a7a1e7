// SPDX-License-Identifier: MIT
/// Notes: what a random program wrote down, to be compared with what another one did.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What was done, or came of it: a sentence, and the numbers that it leaves out.
struct Note {
    const char* what;
    std::int64_t a = 0;
    std::int64_t b = 0;
    std::int64_t c = 0;

    bool is(const char* sentence) const { return what == sentence || std::string_view(what) == sentence; }
    friend bool operator==(const Note& x, const Note& y) {
        return x.a == y.a && x.b == y.b && x.c == y.c && x.is(y.what);
    }
};

inline std::string text_of(const Note& note) {
    std::string text;
    const std::int64_t numbers[] = {note.a, note.b, note.c};
    std::size_t number = 0;
    for (const char letter : std::string_view(note.what)) {
        if (letter != '#') {
            text += letter;
        } else if (const std::int64_t next = numbers[number++]; next == INT64_MAX || next == UINT32_MAX) {
            text += "no end of"; // forever, never, unlimited; and no scope
        } else {
            text += std::to_string(next);
        }
    }
    return text + "\n";
}

/// Nothing, or what led to the first difference, and how either goes on.
inline std::string difference(const std::vector<Note>& subject, const std::vector<Note>& model) {
    const auto [s, m] = std::mismatch(subject.begin(), subject.end(), model.begin(), model.end());
    if (s == subject.end() && m == model.end()) return "";
    std::string text = "\n";
    const auto tell = [&](auto from, auto to) {
        for (; from != to; ++from) text += text_of(*from);
    };
    constexpr std::ptrdiff_t before = 400;
    constexpr std::ptrdiff_t after = 5;
    tell(s - std::min(before, s - subject.begin()), s);
    text += "---- and then the loop:\n";
    tell(s, s + std::min(after, subject.end() - s));
    text += "---- but the model:\n";
    tell(m, m + std::min(after, model.end() - m));
    return text;
}
