// SPDX-License-Identifier: MIT
// Reads of all kinds while bytes come in pieces, against an obvious model: what was sent is one long text, and a read
// takes its front.
#include "support/fuzz.hpp"
#include "support/os.hpp"

#include <ioloop/ioloop.hpp>
#include <ioloop/net.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

using namespace ioloop;

namespace {

class Program {
public:
    explicit Program(Choices& choices) : choices_(choices) {
        auto ends = Socket::pair();
        stream_ = TcpStream(loop_, std::move(ends[0]),
                            {.max_buffer = 100'000, .read_chunk = 1 + choices.draw(100)});
        writer_ = std::move(ends[1]);
    }

    std::string run() {
        for (int i = 0; i < 60 && !choices_.exhausted() && wrong_.empty() && !over_; ++i) act();
        if (wrong_.empty() && !over_) finish();
        return wrong_;
    }

private:
    enum class Kind { bytes, some, until, everything, frame, into };
    struct Read {
        Kind kind;
        std::size_t size;
        std::string delimiter;
        Future<std::string> text;
        Future<std::size_t> count; ///< for into
        std::string memory;

        bool done() const { return text.done() || count.done(); }
    };
    enum class Fate { waits, done, fails, closes };

    void act() {
        switch (choices_.draw(12)) {
        case 0:
        case 1:
        case 2:
        case 3: send(choices_.draw(4) == 0 ? 1 + choices_.draw(600) : 1 + choices_.draw(12)); break;
        case 4:
        case 5:
        case 6:
        case 7: begin(); break;
        case 8: settle(); break;
        case 9: loop_.run_once(); break;
        case 10:
            if (choices_.draw(4) == 0) writer_.close();
            break;
        default: give_up();
        }
    }
    /// Everything comes to its end, and nothing is lost.
    void finish() {
        writer_.close();
        settle();
        for (int i = 0; i < 100'000 && wrong_.empty() && !over_ && !left_.empty(); ++i) {
            read_.emplace(Read{Kind::some, 1 + choices_.draw(50), "", {}, {}, ""});
            read_->text = stream_.read_some(read_->size);
            settle();
        }
        if (!wrong_.empty() || over_) return;
        for (int turn = 0; turn < 10; ++turn) loop_.run_once();
        if (stream_.is_open()) wrong_ = "it is open still";
        if (stream_.unread() != 0) wrong_ = "it holds what was not sent";
    }

    void send(std::size_t size) {
        if (!writer_) return;
        std::string text;
        while (text.size() < size) {
            if (choices_.draw(3) == 0) append_frame(text, std::string(choices_.draw(5), 'f'));
            text += static_cast<char>('a' + choices_.draw(3));
        }
        std::error_code error;
        const auto* const data = reinterpret_cast<const std::uint8_t*>(text.data());
        const std::size_t sent = writer_.send({data, text.size()}, error);
        left_ += text.substr(0, sent);
    }

    void begin() {
        if (read_ && read_->done()) check();
        if (read_ || over_) return;
        read_.emplace(Read{static_cast<Kind>(choices_.draw(6)), choices_.draw(40), "", {}, {}, ""});
        Read& read = *read_;
        switch (read.kind) {
        case Kind::bytes: read.text = stream_.read_bytes(read.size); break;
        case Kind::some: read.text = stream_.read_some(read.size); break;
        case Kind::until:
            for (std::size_t n = 1 + choices_.draw(3); n > 0; --n)
                read.delimiter += static_cast<char>('a' + choices_.draw(3));
            read.size = read.size == 0 ? 3 : read.size * 20;
            read.text = stream_.read_until(read.delimiter, read.size);
            break;
        case Kind::everything: read.text = stream_.read_until_close(); break;
        case Kind::frame: read.text = read_frame(stream_, read.size); break;
        case Kind::into:
            read.memory.resize(read.size);
            read.count = stream_.read_into({reinterpret_cast<std::uint8_t*>(read.memory.data()), read.size});
            break;
        }
        if (read.done()) check();
    }

    void give_up() {
        if (read_ && read_->done()) check();
        if (!read_) return;
        if (choices_.draw(2) == 0) read_->kind == Kind::into ? read_->count.cancel() : read_->text.cancel();
        read_.reset();
    }

    /// All that is sent has come.
    void settle() {
        for (int quiet = 0; quiet < 3; ++quiet) {
            if (loop_.run_once().calls() > 0) quiet = 0;
        }
        if (!read_) return;
        if (read_->done()) return check();
        std::size_t size = 0;
        if (fate(size) != Fate::waits) wrong_ = "a read waits for what is there: " + name();
    }

    /// What must come of the read when all that was sent has come.
    Fate fate(std::size_t& size) const {
        const Read& read = *read_;
        const Fate without = writer_ ? Fate::waits : Fate::fails;
        switch (read.kind) {
        case Kind::bytes:
        case Kind::into: size = read.size; return left_.size() >= read.size ? Fate::done : without;
        case Kind::some:
            size = std::min(read.size, left_.size());
            return size > 0 || read.size == 0 ? Fate::done : without;
        case Kind::until: {
            const std::size_t found = left_.find(read.delimiter);
            size = found + read.delimiter.size();
            if (found != std::string::npos && size <= read.size) return Fate::done;
            return left_.size() >= read.size ? Fate::closes : without;
        }
        case Kind::everything: size = left_.size(); return writer_ ? Fate::waits : Fate::done;
        case Kind::frame: {
            if (left_.size() < 4) return without;
            std::size_t length = 0;
            for (std::size_t i = 0; i < 4; ++i) length = length * 256 + static_cast<unsigned char>(left_[i]);
            if (length > read.size) return Fate::closes;
            size = 4 + length;
            return left_.size() >= size ? Fate::done : without;
        }
        }
        return without;
    }

    void check() {
        const Read read = *std::exchange(read_, std::nullopt);
        read_ = read;
        std::size_t size = 0;
        const Fate fate = this->fate(size);
        const std::string what = name();
        read_.reset();
        try {
            const std::string got =
                read.kind == Kind::into ? read.memory.substr(0, read.count.result()) : read.text.result();
            if (read.kind == Kind::some) size = got.size(); // as many as the system gave at once
            if (fate != Fate::done) {
                wrong_ = "it cannot have been read: " + what;
            } else if (read.kind == Kind::some && (size > read.size || (size == 0 && read.size > 0))) {
                wrong_ = "of another size: " + what;
            } else if (got != left_.substr(0, size).substr(read.kind == Kind::frame ? 4 : 0)) {
                wrong_ = "other bytes: " + what;
            }
            left_.erase(0, size);
        } catch (const StreamClosed& closed) {
            const bool limit = closed.error() == std::errc::message_size;
            if (fate != (limit ? Fate::closes : Fate::fails))
                wrong_ = "it failed, with \"" + closed.error().message() + "\": " + what;
            over_ = limit; // what was not received by then is the kernel's
        }
    }
    std::string name() const {
        return "kind " + std::to_string(static_cast<int>(read_->kind)) + " of " +
               std::to_string(read_->size) + " with " + std::to_string(left_.size()) + " sent";
    }

    static IOLoop::Options options() {
        IOLoop::Options options;
        options.make_current = MakeCurrent::never;
        return options;
    }

    Choices& choices_;
    IOLoop loop_{options()};
    TcpStream stream_;
    Socket writer_;
    std::string left_; ///< sent, and not read
    std::optional<Read> read_;
    std::string wrong_;
    bool over_ = false;
};

std::string reads(Choices& choices) { return Program(choices).run(); }

} // namespace

FUZZ_TEST(StreamReads, the_stream_gives_what_the_model_gives, reads)
