// SPDX-License-Identifier: MIT
// Any bytes at all, cut anywhere, fed to a FrameReader and to an obvious model of it. A program is a hundred operations.
#include "support/fuzz.hpp"

#include <ioloop/net.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace ioloop;

namespace {

using Bytes = std::vector<std::uint8_t>;

/// All the messages in what was ever fed, and whether one is refused.
struct Model {
    std::vector<Bytes> messages;
    bool refused = false;
    std::size_t rest = 0; ///< bytes behind the last whole message

    Model(const Bytes& fed, std::size_t max_size) {
        std::size_t at = 0;
        while (fed.size() - at >= 4) {
            const std::size_t length = std::size_t{fed[at]} * 0x1000000 + fed[at + 1] * 0x10000U +
                                       fed[at + 2] * 0x100U + fed[at + 3];
            refused = length > max_size;
            if (refused || fed.size() - at - 4 < length) break;
            const auto begin = fed.begin() + static_cast<std::ptrdiff_t>(at) + 4;
            messages.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(length));
            at += 4 + length;
        }
        rest = fed.size() - at;
    }
};

std::string frames(Choices& choices) {
    const std::size_t max_size = choices.draw(40);
    FrameReader reader(max_size);
    Bytes fed;
    Bytes coming;
    std::vector<Bytes> taken;
    const auto take = [&](std::size_t most) {
        for (; most > 0; --most) {
            const auto message = reader.next();
            if (!message) break;
            taken.emplace_back(message->begin(), message->end());
        }
    };
    for (int operation = 0; operation < 100 && !choices.exhausted(); ++operation) {
        switch (choices.draw(16)) {
        case 0: // far beyond
            coming.insert(coming.end(), {choices.byte(), choices.byte(), choices.byte(), choices.byte()});
            break;
        case 1: // just beyond, or just not
            append_frame(coming, Bytes(max_size + choices.draw(2), 'l'));
            break;
        case 2: take(1); break;
        case 3: take(choices.draw(5)); break;
        case 4:
        case 5:
        case 6:
        case 7: append_frame(coming, Bytes(choices.draw(max_size + 1), choices.byte())); break;
        default: {
            const std::size_t size = std::min(choices.draw(60), coming.size());
            const auto end = coming.begin() + static_cast<std::ptrdiff_t>(size);
            if (reader.refused()) break; // and takes no more
            reader.feed(std::span(coming).first(size));
            fed.insert(fed.end(), coming.begin(), end);
            coming.erase(coming.begin(), end);
        }
        }
    }
    take(fed.size());

    const Model model(fed, max_size);
    if (taken != model.messages) return "other messages";
    if (reader.refused() != model.refused) return "refused: " + std::to_string(reader.refused());
    if (reader.unread() != model.rest) return "it holds " + std::to_string(reader.unread());
    if (!reader.refused() && reader.unread() >= 4 + max_size + 1) return "it holds more than a message";
    return {};
}

} // namespace

FUZZ_TEST(FrameBytes, the_reader_gives_what_the_model_gives, frames)
