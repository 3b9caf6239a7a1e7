// SPDX-License-Identifier: MIT
#include "transfer.hpp"

#include <ioloop/context.hpp>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace ioloop::curl {
namespace {

constexpr std::size_t max_header_bytes = std::size_t{256} << 10U; ///< of an answer, redirects included
constexpr auto* blanks = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool same_name(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

/// Names and methods: what HTTP calls a token. What else could become a line of its own.
bool is_token(std::string_view text) {
    constexpr std::string_view others = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
        return (c < 0x80 && std::isalnum(c) != 0) ||
               others.find(static_cast<char>(c)) != std::string_view::npos;
    });
}

[[noreturn]] void refuse(const std::string& what) {
    throw std::system_error(std::make_error_code(std::errc::invalid_argument), what);
}

void append(std::unique_ptr<curl_slist, ListDeleter>& list, const std::string& line) {
    curl_slist* const longer = ::curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(list.release()); // it is the head of the longer one, or there was none
    list.reset(longer);
}

} // namespace

const std::string* find(const Headers& headers, std::string_view name) noexcept {
    const auto found = std::find_if(headers.begin(), headers.end(),
                                    [&](const auto& header) { return same_name(header.first, name); });
    return found != headers.end() ? &found->second : nullptr;
}

struct Transfer::Meter {
    OnProgress on_progress;
    Progress latest;
    bool posted = false;
    bool ended = false; ///< nobody wants to know any more
};

Transfer::Transfer(IOLoop& loop, Flow& flow, Request request, const Origin& origin)
    : loop_(loop),
      flow_(flow),
      request_(std::move(request)),
      promise_(loop, origin),
      easy_(::curl_easy_init()) {
    if (easy_ == nullptr) throw std::bad_alloc();
}

Transfer::~Transfer() = default;

template <class V> void Transfer::set(CURLoption option, V value) {
    const CURLcode code = curl_easy_setopt(easy(), option, value);
    if (code != CURLE_OK) throw std::system_error(code, error_category(), what());
}

// ---- what is asked ------------------------------------------------------------------------------

void Transfer::prepare(const std::string& user_agent) {
    set(CURLOPT_PRIVATE, static_cast<void*>(this));
    set(CURLOPT_ERRORBUFFER, detail_.data());
    set(CURLOPT_NOSIGNAL, 1L); // a library's signals are nobody's
#if LIBCURL_VERSION_NUM >= 0x075500
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    set(CURLOPT_PROTOCOLS, long{CURLPROTO_HTTP | CURLPROTO_HTTPS});
    set(CURLOPT_REDIR_PROTOCOLS, long{CURLPROTO_HTTP | CURLPROTO_HTTPS});
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    set(CURLOPT_QUICK_EXIT, 1L); // else a cancel waits for the thread that looks up the name
#endif
    if (request_.url.find('\0') != std::string::npos) refuse("a URL with a zero byte");
    set(CURLOPT_URL, request_.url.c_str());
    set(CURLOPT_USERAGENT, user_agent.c_str());
    if (!request_.proxies) set(CURLOPT_PROXY, ""); // not null, which stands for the environment
    set(CURLOPT_FOLLOWLOCATION, request_.redirects > 0 ? 1L : 0L);
    set(CURLOPT_MAXREDIRS, long{request_.redirects});
    if (request_.quiet != forever) {
        const auto limit = std::chrono::ceil<std::chrono::milliseconds>(request_.quiet).count();
        set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::clamp<std::int64_t>(limit, 1, 1'000'000'000)));
        set(CURLOPT_PREREQFUNCTION, &Transfer::on_connected);
        set(CURLOPT_PREREQDATA, static_cast<void*>(this));
    }
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(this));
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    set_method();
    set_headers();
}

void Transfer::set_method() {
    const std::string& method = request_.method;
    if (!is_token(method)) refuse("'" + method + "' is no method");
    if (method == "GET" && request_.body.empty()) {
        set(CURLOPT_ACCEPT_ENCODING, ""); // whatever curl can decode
        accepts_encoding_ = true;
        return;
    }
    if (method == "HEAD") {
        set(CURLOPT_NOBODY, 1L);
        return;
    }
    // curl makes a GET of a POST, as browsers do, when it is redirected; of other methods it does not.
    if (method != "POST") set(CURLOPT_CUSTOMREQUEST, method.c_str());
    if (method != "POST" && request_.body.empty()) return;
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, request_.body.data()); // not copied
}

void Transfer::set_headers() {
    append(headers_, "Expect:"); // do not wait a second for a server that does not know «100 Continue»
    for (const auto& [name, value] : request_.headers) {
        if (!is_token(name)) refuse("'" + name + "' is no name of a header");
        if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
            refuse("header '" + name + "': a value is one line");
        append(headers_, value.empty() ? name + ";" : std::string(name).append(": ").append(value));
    }
    set(CURLOPT_HTTPHEADER, headers_.get());
}

void Transfer::receive_into(const std::string& path) {
    std::error_code error;
    received_.open(path, error);
    if (error) throw std::system_error(error, "download to '" + path + "'");
    set(CURLOPT_FAILONERROR, 1L);
    set(CURLOPT_ACCEPT_ENCODING, static_cast<char*>(nullptr)); // the file, as it is
    accepts_encoding_ = false;
}

void Transfer::send_from(const std::string& path) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (!error) {
        sent_.reset(std::fopen(path.c_str(), "rbe"));
        if (sent_ == nullptr) error = {errno, std::generic_category()};
    }
    if (error) throw std::system_error(error, "upload of '" + path + "'");
    progress_.total = size;
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
    set(CURLOPT_READFUNCTION, &Transfer::on_read);
    set(CURLOPT_READDATA, static_cast<void*>(this));
    set(CURLOPT_SEEKFUNCTION, &Transfer::on_seek);
    set(CURLOPT_SEEKDATA, static_cast<void*>(this));
    set(CURLOPT_FAILONERROR, 1L);
}

void Transfer::report_to(OnProgress&& on_progress) {
    if (!on_progress) return;
    meter_ = std::make_shared<Meter>();
    meter_->on_progress = std::move(on_progress);
}

// ---- what comes of it ---------------------------------------------------------------------------

std::string Transfer::what() const {
    std::string text = request_.method + " " + request_.url;
    if (detail_.front() != '\0') text.append(" (").append(detail_.data()).append(")");
    return text;
}

void Transfer::finish(CURLcode code) {
    if (!failure_ && code == CURLE_OPERATION_TIMEDOUT) return fail_timed_out();
    if (!failure_ && code != CURLE_OK) failure_ = {code, error_category()};
    if (!failure_ && received_.is_open()) received_.commit(failure_);
    if (failure_) return fail(std::make_exception_ptr(std::system_error(failure_, what())));

    long status = 0;
    ::curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &status);
    response_.status = static_cast<int>(status);
    const char* url = nullptr;
    ::curl_easy_getinfo(easy(), CURLINFO_EFFECTIVE_URL, &url);
    response_.url = url != nullptr ? url : "";
    promise_.set_value(std::move(response_));
}

void Transfer::fail(const std::exception_ptr& error) {
    abandon();
    promise_.set_exception(error);
}

void Transfer::fail_timed_out() {
    fail(std::make_exception_ptr(TimeoutError(what().append(": the time is up").c_str())));
}

void Transfer::arm(Duration timeout, std::function<void()> give_up) {
    give_up_ = std::move(give_up);
    if (timeout != forever) timeout_ = loop_.loop()->call_later(timeout, give_up_, "http timeout");
}

void Transfer::disarm() noexcept {
    IOLoop* const loop = loop_.loop();
    if (loop == nullptr) return;
    loop->remove_timeout(timeout_);
    loop->remove_timeout(quiet_);
}

/// Something moves: a peer that is quiet has as long once more. (curl's own limit looks at the average of five seconds.)
void Transfer::stir() {
    IOLoop* const loop = loop_.loop();
    if (request_.quiet == forever || loop == nullptr) return;
    if (loop->update_timeout(quiet_, after(loop->now(), request_.quiet))) return;
    const NullContext none;
    quiet_ = loop->call_later(request_.quiet, give_up_, "http quiet");
}

void Transfer::abandon() noexcept {
    if (meter_ != nullptr) meter_->ended = true;
    received_.discard();
}

bool Transfer::take_header(std::string_view line) {
    stir();
    header_bytes_ += line.size();
    if (header_bytes_ > max_header_bytes) {
        failure_ = {CURLE_FILESIZE_EXCEEDED, error_category()};
        return false;
    }
    if (line.substr(0, 5) == "HTTP/") { // another answer: after a redirect, or «100 Continue»
        response_.headers.clear();
        return true;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return true;
    const std::string_view name = trimmed(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));
    // Of whichever answer, as what curl decodes may be another one's.
    if (accepts_encoding_ && same_name(name, "Content-Encoding")) decoded_ = true;
    // Some versions of curl decode that unasked, into files too, whose size nothing bounds.
    const bool plain = same_name(value, "chunked") || same_name(value, "identity");
    if (same_name(name, "Transfer-Encoding") && !plain) {
        failure_ = {CURLE_BAD_CONTENT_ENCODING, error_category()};
        return false;
    }
    response_.headers.emplace_back(name, value);
    return true;
}

/// Of the answer; 0: it does not say.
std::uint64_t Transfer::length() const noexcept {
    curl_off_t length = -1;
    ::curl_easy_getinfo(easy(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    return length > 0 ? static_cast<std::uint64_t>(length) : 0;
}

bool Transfer::take_body(const char* data, std::size_t size) {
    if (progress_.total == 0) progress_.total = length();
    if (received_.is_open()) {
        received_.write(data, size, failure_);
    } else if (size > request_.max_body - response_.body.size()) {
        failure_ = {CURLE_FILESIZE_EXCEEDED, error_category()};
    } else {
        response_.body.append(data, size);
    }
    if (!failure_) moved(size);
    return !failure_;
}

/// True: not now. Never so for what is decoded: from a few bytes curl makes gigabytes, all of which it would keep, and
/// copy for each portion. Taken at once, max_body ends it.
bool Transfer::pauses(std::size_t size) {
    if (flow_.room == 0 && !decoded_) {
        flow_.paused.push_back(weak_from_this());
        return true;
    }
    flow_.room -= std::min(flow_.room, size);
    return false;
}

/// Told in a call of its own: what is told may destroy the client, and curl could not stand that now.
void Transfer::moved(std::size_t bytes) {
    stir();
    progress_.done += bytes;
    if (meter_ == nullptr || progress_.done <= meter_->latest.done) return; // a file is sent once more
    meter_->latest = progress_;
    if (meter_->posted) return;
    meter_->posted = loop_.add_callback(
        [meter = meter_] {
            meter->posted = false;
            if (!meter->ended) meter->on_progress(meter->latest);
        },
        "http progress");
}

// ---- curl's calls -------------------------------------------------------------------------------

/// It has a connection, a new one or one that is used again.
int Transfer::on_connected(void* self, char*, char*, int, int) noexcept try {
    static_cast<Transfer*>(self)->stir();
    return CURL_PREREQFUNC_OK;
} catch (...) {
    return CURL_PREREQFUNC_ABORT;
}

std::size_t Transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept try {
    return static_cast<Transfer*>(self)->take_header({data, size * count}) ? size * count : 0;
} catch (...) {
    return 0;
}

std::size_t Transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept try {
    auto& transfer = *static_cast<Transfer*>(self);
    if (transfer.pauses(size * count)) return CURL_WRITEFUNC_PAUSE;
    return transfer.take_body(data, size * count) ? size * count : 0;
} catch (...) {
    return 0;
}

std::size_t Transfer::on_read(char* into, std::size_t size, std::size_t count, void* self) noexcept try {
    auto& transfer = *static_cast<Transfer*>(self);
    if (transfer.pauses(size * count)) return CURL_READFUNC_PAUSE;
    std::FILE* const file = transfer.sent_.get();
    const std::size_t got = std::fread(into, 1, size * count, file);
    if (std::ferror(file) == 0) {
        transfer.moved(got);
        return got;
    }
    transfer.failure_ = {errno, std::generic_category()};
    return CURL_READFUNC_ABORT;
} catch (...) {
    return CURL_READFUNC_ABORT;
}

int Transfer::on_seek(void* self, curl_off_t offset, int from) noexcept {
    auto& transfer = *static_cast<Transfer*>(self);
    if (std::fseek(transfer.sent_.get(), static_cast<long>(offset), from) != 0) return CURL_SEEKFUNC_FAIL;
    transfer.progress_.done = static_cast<std::uint64_t>(offset);
    return CURL_SEEKFUNC_OK;
}

} // namespace ioloop::curl
