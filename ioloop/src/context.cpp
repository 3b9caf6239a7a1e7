// SPDX-License-Identifier: MIT
#include "here.hpp"
#include "raise.hpp"

#include <ioloop/context.hpp>

#include <cstdint>
#include <vector>

#if defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace ioloop {
namespace detail {

struct ContextNode {
    std::shared_ptr<ContextFrame> frame;
    Context parent;
    mutable std::atomic<std::uint32_t> owners{1};

    ContextNode(std::shared_ptr<ContextFrame> f, Context p) : frame(std::move(f)), parent(std::move(p)) {}
    const ContextNode* above() const noexcept { return parent.node_; }

    static Context make(std::shared_ptr<ContextFrame> frame, Context parent) {
        Context context;
        context.node_ = new ContextNode(std::move(frame), std::move(parent));
        return context;
    }
    static Context share(const ContextNode* node) noexcept {
        Context context;
        if (node != nullptr) node->owners.fetch_add(1, std::memory_order_relaxed);
        context.node_ = node;
        return context;
    }
    static Context active_part(const ContextNode* node);
    static void run(const ContextNode* node, Next next);
};

} // namespace detail

using detail::ContextBlock;
using detail::ContextBoundary;
using detail::ContextFrame;
using detail::ContextNode;
using detail::Next;

// ---- nodes --------------------------------------------------------------------------------------

/// `node` without the frames that were deactivated: in a chain of callables, each of which opens a context and ends
/// the one before, they would add up for ever (tornado #507).
Context ContextNode::active_part(const ContextNode* node) {
    const ContextNode* sound = node; // has no deactivated frame above it
    for (const ContextNode* n = node; n != nullptr; n = n->above()) {
        if (!n->frame->active) sound = n->above();
    }
    if (sound == node) return share(node);
    std::vector<std::shared_ptr<ContextFrame>> frames;
    for (const ContextNode* n = node; n != sound; n = n->above()) {
        if (n->frame->active) frames.push_back(n->frame);
    }
    Context context = share(sound);
    for (; !frames.empty(); frames.pop_back()) context = make(std::move(frames.back()), std::move(context));
    return context;
}

/// Makes the call in this frame, and that in the frame above, and so on: the outermost is entered first.
void ContextNode::run(const ContextNode* node, Next next) {
    if (node == nullptr) return next();
    auto in_frame = [&] { node->frame->around(next); };
    run(node->above(), Next(in_frame));
}

// ---- Context ------------------------------------------------------------------------------------

Context::Context(const Context& other) noexcept : node_(other.node_) {
    if (node_ != nullptr) node_->owners.fetch_add(1, std::memory_order_relaxed);
}

void Context::release() noexcept {
    // Not by recursion: a chain may be long.
    const ContextNode* node = std::exchange(node_, nullptr);
    while (node != nullptr && node->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        auto* last = const_cast<ContextNode*>(node);
        node = std::exchange(last->parent.node_, nullptr);
        delete last;
    }
}

Context Context::current() noexcept { return ContextNode::share(here.node); }

void Context::run_next(Next next) const {
    const Context active = ContextNode::active_part(node_); // kept: the call may destroy this one
    const ContextBoundary boundary;
    here.node = active.node_;
    ContextNode::run(active.node_, next);
}

// ---- boundaries and blocks ----------------------------------------------------------------------

ContextBoundary::ContextBoundary() noexcept
    : node_(here.node),
      blocks_(here.blocks),
      in_coroutine_(here.in_coroutine) {
    here.node = nullptr;
    here.blocks = nullptr;
    here.in_coroutine = false;
}

ContextBoundary::~ContextBoundary() {
    here.node = node_;
    here.blocks = blocks_;
    here.in_coroutine = in_coroutine_;
}

ContextBlock::ContextBlock(std::shared_ptr<ContextFrame> frame)
    : frame_(std::move(frame)),
      previous_(Context::current()) {
    if (frame_) context_ = ContextNode::make(frame_, ContextNode::active_part(here.node));
    attach();
}

ContextBlock::~ContextBlock() {
    if (!attached_) return; // its coroutine is destroyed while it is suspended
    detach();
    if (here.blocks == this) {
        here.blocks = outer_;
        here.node = previous_.node_;
        return;
    }
    std::fputs("ioloop: a StackContext ends out of order, or on another thread than it began on\n", stderr);
    for (ContextBlock* inner = here.blocks; inner != nullptr; inner = inner->outer_) {
        if (inner->outer_ != this) continue;
        inner->outer_ = outer_;
        inner->previous_ = previous_;
    }
}

void ContextBlock::attach() {
    if (frame_ && frame_->active) held_ = frame_->enter();
    outer_ = here.blocks;
    here.blocks = this;
    here.node = context_.node_;
    attached_ = true;
}

void ContextBlock::detach() noexcept {
    held_.reset();
    attached_ = false;
}

// ---- ExceptionStackContext ----------------------------------------------------------------------

namespace {

class ExceptionFrame final : public ContextFrame {
public:
    explicit ExceptionFrame(ExceptionStackContext::ExceptionHandler&& handler)
        : handler_(std::move(handler)) {}

    void around(Next next) override {
#if IOLOOP_EXCEPTIONS
        try {
            next();
#if defined(__GLIBCXX__)
        } catch (abi::__forced_unwind&) {
            throw; // pthread_cancel(): nobody's to swallow
#endif
        } catch (...) {
            if (!handler_(std::current_exception())) throw;
        }
#else
        next();
#endif
    }

private:
    ExceptionStackContext::ExceptionHandler handler_;
};

std::shared_ptr<ContextFrame> exception_frame(ExceptionStackContext::ExceptionHandler&& handler) {
    if (!handler) detail::refuse_null("ExceptionStackContext: null handler");
    return std::make_shared<ExceptionFrame>(std::move(handler));
}

} // namespace

ExceptionStackContext::ExceptionStackContext(ExceptionHandler handler)
    : block_(exception_frame(std::move(handler))) {}

// ---- coroutines ---------------------------------------------------------------------------------

void SuspendedContext::suspend() noexcept {
    base_ = Context::current();
    blocks_ = nullptr;
    if (!here.in_coroutine) return;
    blocks_ = std::exchange(here.blocks, nullptr);
    for (ContextBlock* block = blocks_; block != nullptr; block = block->outer_) {
        block->detach();
        base_ = block->previous_; // of the outermost, in the end
    }
    here.node = nullptr; // whoever resumed the coroutine puts back what he had
}

void SuspendedContext::resume_next(Next next) {
    // This object lives in the coroutine, and may be gone by the time that the call returns.
    const Context base = std::move(base_);
    ContextBlock* const blocks = std::exchange(blocks_, nullptr);
    auto in_base = [&] {
        here.in_coroutine = true;
        struct Attach {
            /// Outermost first.
            void operator()(ContextBlock* block) { // NOLINT(misc-no-recursion): as deep as blocks are nested
                if (block == nullptr) return;
                (*this)(block->outer_);
                block->attach();
            }
            ~Attach() {
                if (complete) return; // a factory threw: whose context is open must not run
                for (ContextBlock* block = here.blocks; block != nullptr; block = block->outer_)
                    block->detach();
            }
            bool complete = false;
        };
        {
            Attach attach;
            attach(blocks);
            attach.complete = true;
        }
        next();
    };
    base.run_next(Next(in_base));
}

} // namespace ioloop
