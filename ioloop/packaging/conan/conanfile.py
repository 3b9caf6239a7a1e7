# Builds the checkout that this recipe lies in; for Conan 2.
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load
from conan.tools.gnu import PkgConfigDeps

required_conan_version = ">=2.0"

# Option, what it needs from Conan Center, and whether that is for Windows too.
BRIDGES = {
    "sdl2": ("sdl/[>=2.26 <3]", True),
    "imgui": ("imgui/[>=1.86]", True),
    "curl": ("libcurl/[>=7.80 <9]", False),
    "enet": ("enet/[>=1.3.13]", False),
    "cares": ("c-ares/[>=1.18 <2]", False),
}


class IoloopConan(ConanFile):
    name = "ioloop"
    description = "An embeddable event loop for programs that already own a main loop"
    license = "MIT"
    topics = ("event-loop", "tornado", "sdl2", "imgui")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "fPIC": [True, False], **{bridge: [True, False] for bridge in BRIDGES}}
    default_options = {"shared": False, "fPIC": True, **{bridge: False for bridge in BRIDGES}}

    @property
    def _root(self):
        return os.path.abspath(os.path.join(self.recipe_folder, "..", "..", ".."))

    def set_version(self):
        project = load(self, os.path.join(self._root, "CMakeLists.txt"))
        self.version = re.search(r"VERSION (\d+\.\d+\.\d+)", project).group(1)

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "ioloop/*", "integration/*"):
            copy(self, pattern, self._root, self.export_sources_folder)

    def config_options(self):
        if self.settings.os == "Windows":
            del self.options.fPIC

    def configure(self):
        if self.options.shared:
            self.options.rm_safe("fPIC")

    def layout(self):
        cmake_layout(self)

    def requirements(self):
        for bridge, (reference, _) in BRIDGES.items():
            if self.options.get_safe(bridge):
                self.requires(reference, transitive_headers=True)

    def validate(self):
        check_min_cppstd(self, 20)
        for bridge, (_, on_windows) in BRIDGES.items():
            if self.settings.os == "Windows" and not on_windows and self.options.get_safe(bridge):
                raise ConanInvalidConfiguration(f"ioloop's {bridge} is not for Windows")

    def generate(self):
        toolchain = CMakeToolchain(self)
        for bridge in BRIDGES:
            toolchain.cache_variables[f"IOLOOP_{bridge.upper()}"] = bool(self.options.get_safe(bridge))
        for part in ("DEMO", "TESTS", "BENCH"):
            toolchain.cache_variables[f"IOLOOP_{part}"] = False
        toolchain.generate()
        CMakeDeps(self).generate()
        PkgConfigDeps(self).generate()  # by which ENet and c-ares are found

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        # The package's own ioloop-config.cmake is what find_package() is to find: it knows the components.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = ["lib/cmake/ioloop"]
        self.cpp_info.libs = ["ioloop"]
