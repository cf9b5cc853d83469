"""Networks pickled whole, as the official code does it: records of their state, with their source code along."""

from __future__ import annotations

import pickle
import sys
import types
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch


@contextmanager
def official_modules() -> Iterator[tuple[Any, Any]]:
    """`torch_utils.persistence` and `dnnlib` as a pickle needs them to be written: (the reconstructor, EasyDict)."""

    def reconstruct(meta: Any) -> Any:
        raise AssertionError("nobody may call this")

    class EasyDict(dict):  # type: ignore[type-arg]
        pass

    reconstruct.__module__, reconstruct.__qualname__ = "torch_utils.persistence", "_reconstruct_persistent_obj"
    EasyDict.__module__, EasyDict.__qualname__ = "dnnlib.util", "EasyDict"
    modules = {name: types.ModuleType(name) for name in ("torch_utils", "torch_utils.persistence", "dnnlib", "dnnlib.util")}
    modules["torch_utils.persistence"]._reconstruct_persistent_obj = reconstruct  # type: ignore[attr-defined]
    modules["dnnlib.util"].EasyDict = EasyDict  # type: ignore[attr-defined]
    sys.modules.update(modules)
    try:
        yield reconstruct, EasyDict
    finally:
        for name in modules:
            del sys.modules[name]


class Persistent:
    """A network of the official code: how it pickles itself."""

    def __init__(self, reconstruct: Any, easy: Any, kind: str, source: str, state: dict[str, Any]) -> None:
        self.how = reconstruct, easy(type="class", version=6, module_src=source, class_name=kind, state=state)

    def __reduce__(self) -> Any:
        return self.how[0], (self.how[1],), None


def write(file: Path, state: Mapping[str, torch.Tensor], *, source: str = "", layer: Mapping[str, Any] = {}, protocol: int = 4) -> None:
    """A .pkl with G, D and G_ema, each a tree of networks with the tensors of `state`; layer: what every layer says of itself."""
    with official_modules() as (reconstruct, easy):

        def network(kind: str, prefix: str, **also: Any) -> Persistent:
            inside = [name[len(prefix) :] for name in state if name.startswith(prefix)]
            own = [name for name in inside if "." not in name]
            children = dict.fromkeys(name.split(".")[0] for name in inside if "." in name)
            buffers = {name: state[prefix + name] for name in own if name in ("w_avg", "noise_const", "resample_filter")}
            values = {
                "training": False,
                "_parameters": OrderedDict((n, torch.nn.Parameter(state[prefix + n])) for n in own if n not in buffers),
                "_buffers": OrderedDict(buffers),
                "_modules": OrderedDict((n, network("Layer", f"{prefix}{n}.", **layer)) for n in children),
                "_backward_hooks": OrderedDict(),
                "_non_persistent_buffers_set": set(),
                "_init_kwargs": easy(synthesis_kwargs=easy(num_fp16_res=4)),
                **also,
            }
            return Persistent(reconstruct, easy, kind, source, values)

        generator = network("Generator", "", z_dim=16, c_dim=0, img_resolution=32, init_args=())
        data = {"G": network("Generator", ""), "D": network("Discriminator", "nothing."), "G_ema": generator}
        data |= {"training_set_kwargs": easy(class_name="x"), "augment_pipe": None}
        file.write_bytes(pickle.dumps(data, protocol=protocol))
