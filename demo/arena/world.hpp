// SPDX-License-Identifier: MIT
/// World: the rules of the game. Ships, shots and moons in a box; knows no network, no clock and no screen.
///
/// It advances in ticks of one length, and what it does follows from its seed and its inputs alone: a client
/// that runs fly() on its own inputs foresees what the server will say.
#pragma once

#include <ioloop/clock.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

namespace arena {

inline constexpr int ticks_per_second = 30;
inline constexpr ioloop::Duration tick_length = std::chrono::nanoseconds(1'000'000'000 / ticks_per_second);

constexpr float seconds(ioloop::Duration duration) noexcept {
    return std::chrono::duration<float>(duration).count();
}

struct Vec {
    float x = 0;
    float y = 0;

    friend constexpr Vec operator+(Vec a, Vec b) noexcept { return {a.x + b.x, a.y + b.y}; }
    friend constexpr Vec operator-(Vec a, Vec b) noexcept { return {a.x - b.x, a.y - b.y}; }
    friend constexpr Vec operator*(Vec a, float k) noexcept { return {a.x * k, a.y * k}; }
    friend constexpr bool operator==(Vec, Vec) noexcept = default;
};
constexpr float dot(Vec a, Vec b) noexcept { return a.x * b.x + a.y * b.y; }
inline float length(Vec a) noexcept { return std::sqrt(dot(a, a)); }
inline Vec direction(float angle) noexcept { return {std::cos(angle), std::sin(angle)}; }
/// The same direction, from -pi to pi.
inline float turned(float angle) noexcept { return std::remainder(angle, 6.28318531F); }

inline constexpr Vec arena_size{1600, 900};
inline constexpr float ship_radius = 16;
inline constexpr float shot_speed = 620;
inline constexpr int full_health = 100;

using PlayerId = std::uint8_t;
inline constexpr PlayerId max_players = 200;
inline constexpr PlayerId nobody = 255;
inline constexpr std::size_t max_shots = 1000;

struct Moon {
    Vec centre;
    float radius;
};
inline constexpr std::array<Moon, 3> moons{{{{430, 290}, 74}, {{1130, 600}, 104}, {{1180, 210}, 42}}};

/// What a pilot holds down.
struct Input {
    bool left = false;
    bool right = false;
    bool thrust = false;
    bool fire = false;
    friend constexpr bool operator==(const Input&, const Input&) noexcept = default;
};

struct Ship {
    PlayerId id = nobody;
    bool alive = false;
    bool thrusting = false;
    bool shielded = false; ///< just born
    Vec position;
    Vec velocity;
    float angle = 0;
    int health = 0;
};

struct Shot {
    std::uint16_t id = 0;
    PlayerId owner = nobody;
    Vec position;
    Vec velocity;
};

/// A ship, and what only the server knows of it.
struct Pilot {
    Ship ship;
    Input input;
    int score = 0;
    int deaths = 0;
    float reload = 0; ///< seconds until the next shot
    float reborn = 0; ///< seconds until it lives again
    float shield = 0; ///< seconds until it can be hit
};

struct Kill {
    PlayerId killer = nobody;
    PlayerId victim = nobody;
};

/// Moves one ship by `time`: steering, walls and moons; not shots, and not other ships.
void fly(Ship& ship, Input input, float time) noexcept;

/// True if something of this radius, there, touches a moon.
bool in_moon(Vec position, float radius) noexcept;

class World {
public:
    /// limit    of players; max_players is the most
    explicit World(std::uint32_t seed, int limit = max_players) : limit_(limit), random_(seed) {}

    /// A new pilot; none if the arena is full.
    std::optional<PlayerId> join();
    void leave(PlayerId id) noexcept;
    void steer(PlayerId id, Input input) noexcept;

    /// One tick.
    void step();

    std::uint32_t tick() const noexcept { return tick_; }
    int players() const noexcept;
    const Pilot* pilot(PlayerId id) const noexcept;
    const std::array<std::optional<Pilot>, max_players>& pilots() const noexcept { return pilots_; }
    const std::vector<Shot>& shots() const noexcept { return shots_; }
    const std::vector<Kill>& kills() const noexcept { return kills_; } ///< of the last tick

private:
    struct Flight {
        float life = 0;
    };

    void bear(Pilot& pilot);
    void shoot(Pilot& pilot);
    void move_shots(float time);
    bool hit_something(const Shot& shot);

    int limit_;
    std::array<std::optional<Pilot>, max_players> pilots_;
    std::vector<Shot> shots_;
    std::vector<Flight> flights_; ///< one for each shot: what nobody is told
    std::vector<Kill> kills_;
    std::uint32_t tick_ = 0;
    std::uint16_t next_shot_ = 0;
    std::mt19937 random_;
};

} // namespace arena
