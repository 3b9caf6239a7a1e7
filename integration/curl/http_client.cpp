// SPDX-License-Identifier: MIT
#include "multi.hpp"

#include <ioloop/curl.hpp>

#include <utility>

namespace ioloop::curl {

HttpClient::HttpClient(IOLoop& loop) : HttpClient(loop, Options{}) {}

HttpClient::HttpClient(IOLoop& loop, Options options)
    : multi_(std::make_shared<Multi>(loop, std::move(options))) {}

HttpClient::~HttpClient() { multi_->shut_down(); }

Future<Response> HttpClient::request(Request request, Origin origin) {
    return multi_->begin({.request = std::move(request)}, origin);
}

Future<Response> HttpClient::request(Request request, OnProgress on_progress, Origin origin) {
    return multi_->begin({.request = std::move(request), .on_progress = std::move(on_progress)}, origin);
}

Future<Response> HttpClient::get(std::string url, Origin origin) {
    return request({.url = std::move(url)}, origin);
}

Future<Response> HttpClient::post(std::string url, std::string body, std::string content_type,
                                  Origin origin) {
    return request({.url = std::move(url),
                    .method = "POST",
                    .headers = {{"Content-Type", std::move(content_type)}},
                    .body = std::move(body)},
                   origin);
}

Future<Response> HttpClient::download(std::string url, std::string path, OnProgress on_progress,
                                      Duration timeout, Origin origin) {
    return multi_->begin({.request = {.url = std::move(url), .timeout = timeout},
                          .receive_into = std::move(path),
                          .on_progress = std::move(on_progress)},
                         origin);
}

Future<Response> HttpClient::upload(std::string url, std::string path, OnProgress on_progress,
                                    Duration timeout, Origin origin) {
    return multi_->begin({.request = {.url = std::move(url), .method = "PUT", .timeout = timeout},
                          .send_from = std::move(path),
                          .on_progress = std::move(on_progress)},
                         origin);
}

std::size_t HttpClient::transfers() const noexcept { return multi_->size(); }

} // namespace ioloop::curl
