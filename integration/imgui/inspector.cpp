// SPDX-License-Identifier: MIT
#include <ioloop/imgui.hpp>

#include <imgui.h>

namespace ioloop::imgui {

class Inspector::Impl {
public:
    Impl(IOLoop& loop, Options options) : loop_(loop), options_(options) {
        if (loop_.observer() == nullptr) loop_.set_observer(&recorder_);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() {
        if (loop_.observer() == &recorder_) loop_.set_observer(nullptr);
    }

    void show() {
        const Statistics& s = loop_.statistics();
        ImGui::Text("%u descriptors, %u timeouts, %u callbacks", s.handlers, s.timeouts, s.callbacks);
    }

private:
    IOLoop& loop_;
    Options options_;
    Recorder recorder_;
};

Inspector::Inspector(IOLoop& loop) : Inspector(loop, Options{}) {}
Inspector::Inspector(IOLoop& loop, Options options) : impl_(std::make_unique<Impl>(loop, options)) {}
Inspector::~Inspector() = default;

void Inspector::show_window(const char* title, bool* open) {
    if (open != nullptr && !*open) return;
    if (ImGui::Begin(title, open)) show_contents();
    ImGui::End();
}

void Inspector::show_contents() { impl_->show(); }

} // namespace ioloop::imgui
