"""Calls what Conan would call of the recipe, with stand-ins for Conan's modules: Conan itself is not here.

python3 conan_dry.py <the checkout> <version>
"""
import importlib.util
import os
import sys
import types
from unittest import mock

root, version = sys.argv[1:]
sys.dont_write_bytecode = True
copied = []
toolchains = []


class Options(dict):
    def __getattr__(self, name):
        return self[name]

    def __delattr__(self, name):
        del self[name]

    def rm_safe(self, name):
        self.pop(name, None)

    def get_safe(self, name):
        return self.get(name)


class Refused(Exception):
    pass


def toolchain(_recipe):
    toolchains.append(mock.Mock(cache_variables={}))
    return toolchains[-1]


def load(_recipe, path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def module(name, **members):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(members)


module("conan", ConanFile=object)
module("conan.errors", ConanInvalidConfiguration=Refused)
module("conan.tools")
module("conan.tools.build", check_min_cppstd=mock.Mock())
module("conan.tools.cmake", CMake=mock.Mock(), CMakeDeps=mock.Mock(), CMakeToolchain=toolchain, cmake_layout=mock.Mock())
module("conan.tools.files", copy=lambda _recipe, pattern, *_: copied.append(pattern), load=load)
module("conan.tools.gnu", PkgConfigDeps=mock.Mock())

path = os.path.join(root, "ioloop", "packaging", "conan", "conanfile.py")
spec = importlib.util.spec_from_file_location("conanfile", path)
conanfile = importlib.util.module_from_spec(spec)
spec.loader.exec_module(conanfile)


def recipe_for(system, **options):
    recipe = conanfile.IoloopConan()
    recipe.recipe_folder = os.path.dirname(path)
    recipe.export_sources_folder = recipe.source_folder = recipe.package_folder = "/nowhere"
    recipe.settings = mock.Mock(os=system)
    assert set(options) <= set(recipe.options)
    recipe.options = Options(recipe.default_options, **options)
    recipe.requires = mock.Mock()
    recipe.cpp_info = mock.Mock()
    return recipe


def run(recipe):
    for step in ("set_version", "export_sources", "config_options", "configure", "layout", "requirements", "validate",
                 "generate", "build", "package", "package_info"):
        getattr(recipe, step)()


project = load(None, os.path.join(root, "CMakeLists.txt"))
everything = recipe_for("Linux", shared=True, **{bridge: True for bridge in conanfile.BRIDGES})
run(everything)
assert everything.version == version, everything.version
assert everything.requires.call_count == len(conanfile.BRIDGES)
assert "fPIC" not in everything.options
for name, value in toolchains[-1].cache_variables.items():
    assert f"option({name} " in project, f"the project does not know {name}"
    assert value == (name.split("_")[1].lower() in conanfile.BRIDGES), name
for pattern in copied:
    assert os.path.exists(os.path.join(root, pattern.removesuffix("/*"))), pattern

core = recipe_for("Windows")
run(core)
assert core.requires.call_count == 0 and not any(toolchains[-1].cache_variables.values())
try:
    run(recipe_for("Windows", curl=True))
    sys.exit("curl was taken for Windows")
except Refused:
    print("version", version, "with", ", ".join(conanfile.BRIDGES))
