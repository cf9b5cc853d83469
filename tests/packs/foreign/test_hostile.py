"""Files that want something to happen: each is refused with a line, and nothing of it runs."""

from __future__ import annotations

import builtins
import contextlib
import functools
import io
import os
import pickle
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.mutants import mutate
from tests.packs.foreign import checkpoints
from videdit.cli.main import main
from videdit.errors import UnreadableError, UsageError, VideditError
from videdit.networks.psp import DEPTHS
from videdit.packs.foreign import directions, encoders, files, stylegan2
from videdit.packs.foreign.files import Checkpoint
from videdit.packs.foreign.layouts import flat, numbers
from videdit.packs.foreign.tensors import Array

PROTO = b"\x80\x02"
STORAGE = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"


class Calls:
    """Pickles as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.how = function, arguments

    def __reduce__(self) -> Any:
        return self.how


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def call(module: str, name: str, argument: bytes) -> bytes:
    """A pickle that calls module.name(argument)."""
    return PROTO + f"c{module}\n{name}\n".encode() + argument + b"\x85R."


def zipped(data: bytes, *, storage: bytes = bytes(16), compress: int = zipfile.ZIP_STORED) -> bytes:
    """What torch.save writes, around a pickle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compress) as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/data/0", storage)
    return file.getvalue()


def tensor(offset: bytes, shape: bytes, strides: bytes) -> bytes:
    """A checkpoint of one tensor over a storage of four floats."""
    call = b"ctorch._utils\n_rebuild_tensor_v2\n(" + STORAGE + offset + shape + strides + b"\x89}tR"
    return zipped(PROTO + b"}" + text("x") + call + b"s.")


def canary(path: Path) -> list[tuple[str, bytes]]:
    """Pickles that write to a file when they are run."""
    shell, code = f"touch {path}", f"open({str(path)!r}, 'w')"
    return [
        ("os.system", pickle.dumps(Calls(os.system, shell))),
        ("os.system in a state dict", pickle.dumps({"g_ema": {"x": Calls(os.system, shell)}})),
        ("os.system, protocol 0", pickle.dumps(Calls(os.system, shell), protocol=0)),
        ("eval", pickle.dumps(Calls(builtins.eval, code))),
        ("exec", pickle.dumps(Calls(builtins.exec, code), protocol=2)),
        ("open", pickle.dumps(Calls(builtins.open, str(path), "w"))),
        ("getattr", pickle.dumps(Calls(builtins.getattr, "x", "upper"))),
        ("import", call("builtins", "__import__", text("os"))),
        ("subprocess", call("subprocess", "Popen", text(shell))),
        ("runpy", call("runpy", "_run_code", text(code))),
        ("pickle in a pickle", call("pickle", "loads", text(code))),
        ("torch.load", call("torch", "load", text(str(path)))),
        ("torch.serialization.load", call("torch.serialization", "load", text(str(path)))),
        ("torch.hub", call("torch.hub", "load", text("x/y"))),
        ("torch.jit", call("torch.jit", "load", text(str(path)))),
        ("torch.storage", call("torch.storage", "TypedStorage", text("x"))),
        ("numpy.load", call("numpy", "load", text(str(path)))),
        ("numpy.testing", call("numpy.testing._private.utils", "runstring", text(code))),
        ("operator.attrgetter", call("operator", "attrgetter", text("system"))),
        ("functools.partial", call("functools", "partial", text("x"))),
        ("dotted name", PROTO + text("collections") + text("OrderedDict.__init__.__globals__") + b"\x93."),
        ("a name that is a call", call("os", "system", text(shell))),
        ("INST", PROTO + b"(" + text(shell) + b"ios\nsystem\n."),
        ("OBJ", PROTO + b"(cos\nsystem\n" + text(shell) + b"o."),
        ("NEWOBJ", PROTO + b"cos\nsystem\n" + text(shell) + b"\x85\x81."),
        ("BUILD of a module's state", PROTO + b"ccollections\nOrderedDict\n}" + text("system") + text(shell) + b"sb."),
        ("a call of a result", PROTO + b"ccollections\nOrderedDict\n)R" + text(shell) + b"\x85R."),
        ("a hook on a tensor", PROTO + b"ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\ncos\nsystem\n" + text(shell) + b"\x85}tR."),
        ("a storage that is a pickle", call("torch.storage", "_load_from_bytes", b"B" + struct.pack("<I", 8) + b"cos\nsys\n")),
        ("extension registry", PROTO + b"\x82\x01."),
        ("persistent id", PROTO + b"Pos.system\n."),
    ]


def bombs() -> list[tuple[str, bytes]]:
    """Files that would fill memory, or the stack; for limits made small."""
    deflated = zipfile.ZIP_DEFLATED
    npz = io.BytesIO()
    np.savez_compressed(npz, x=np.zeros(1 << 20, np.float32))
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)})
    objects = io.BytesIO()
    np.save(objects, np.array([{"x": 1}], dtype=object), allow_pickle=True)
    quarter = b"X" + struct.pack("<I", 1 << 18) + b"a" * (1 << 18)
    again = PROTO + quarter + b"q\x00c_codecs\nencode\nq\x01" + b"h\x01h\x00X\x06\x00\x00\x00latin1\x86R" * 1000 + b"."
    return [
        ("a compressed checkpoint", zipped(PROTO + b"}.", storage=bytes(1 << 18), compress=deflated)),
        ("a zip bomb", zipped(PROTO + b"}.", storage=bytes(1 << 22), compress=deflated)),
        ("a zip bomb of arrays", npz.getvalue()),
        ("an array that says it is huge", header.getvalue()),
        ("an array of objects", objects.getvalue()),
        ("an array whose header is code", b"\x93NUMPY\x01\x00" + struct.pack("<H", 32) + b"__import__('os').system('true') "),
        ("more numbers than there are", tensor(b"K\x00", b"K\x05\x85", b"K\x01\x85")),
        ("an offset beyond the end", tensor(b"K\x03", b"K\x02\x85", b"K\x01\x85")),
        ("a negative offset", tensor(b"J\xff\xff\xff\xff", b"K\x02\x85", b"K\x01\x85")),
        ("a stride beyond the end", tensor(b"K\x00", b"K\x02K\x02\x86", b"K\x04K\x01\x86")),
        ("a negative stride", tensor(b"K\x03", b"K\x02\x85", b"J\xff\xff\xff\xff\x85")),
        ("a negative size", tensor(b"K\x00", b"J\xff\xff\xff\xff\x85", b"K\x01\x85")),
        ("one number a billion times", tensor(b"K\x00", b"J\x00\xca\x9a\x3b\x85", b"K\x00\x85")),
        ("a size of 2^80", tensor(b"K\x00", b"\x8a\x0b" + bytes(10) + b"\x01\x85", b"K\x01\x85")),
        ("sizes that are text", tensor(b"K\x00", text("x") + b"\x85", b"K\x01\x85")),
        ("a hundred dimensions", tensor(b"K\x00", b"(" + b"K\x01" * 100 + b"t", b"(" + b"K\x01" * 100 + b"t")),
        ("bytes that are no whole numbers", _untyped(7)),
        ("a storage that is too short", zipped(PROTO + STORAGE + b".", storage=bytes(8))),
        ("a number of a million bits", PROTO + b"\x8b" + struct.pack("<i", 125000) + b"\x7f" * 125000 + b"."),
        ("a number of a hundred thousand digits", b"\x80\x02I" + b"9" * 100000 + b"\n."),
        ("bytes that are not there", PROTO + b"\x8e" + struct.pack("<Q", 1 << 60) + b"x."),
        ("text that is not there", PROTO + b"X\xff\xff\xff\x7fx."),
        ("a memo with a hole", PROTO + b"}r\xff\xff\xff\x7f0j\xff\xff\xff\x6f."),
        ("a deep key", PROTO + b"}" + b"(" * 20000 + b"t" * 20000 + b"Ns."),
        ("a text copied a thousand times", again),
        ("nothing on the stack", PROTO + b"t."),
        ("an end in the middle", PROTO + b"}X\x05\x00\x00\x00abc"),
        ("no file of any kind", b"GIF89a" + bytes(100)),
        ("nothing", b""),
        ("a big-endian checkpoint", _big_endian()),
        ("a safetensors that lies", _safetensors(b'{"x":{"dtype":"F32","shape":[9],"data_offsets":[0,4]}}')),
        ("a safetensors beyond its end", _safetensors(b'{"x":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}')),
        ("a safetensors with a deep header", _safetensors(b'{"x":' + b"[" * 200000 + b"}")),
    ]


def _untyped(size: int) -> bytes:
    """A tensor of float32 over `size` bytes."""
    storage = STORAGE.replace(b"ctorch\nFloatStorage", b"ctorch.storage\nUntypedStorage").replace(b"K\x04tQ", b"K" + bytes([size]) + b"tQ")
    call = b"ctorch._utils\n_rebuild_tensor_v3\n(" + storage + b"K\x00K\x01\x85K\x01\x85\x89}ctorch\nfloat32\ntR"
    return zipped(PROTO + b"}" + text("x") + call + b"s.", storage=bytes(size))


def _big_endian() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/data.pkl", PROTO + b"}.")
        archive.writestr("a/byteorder", "big")
    return file.getvalue()


def _safetensors(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + bytes(4)


def refused(data: bytes, file: Path, name: str) -> None:
    """A file is refused in a line: when it is opened, or when its tensors are read."""
    file.write_bytes(data)
    said = ""
    try:
        with Checkpoint(file) as checkpoint:
            for value in flat(checkpoint.tree).tensors.values():
                numbers(value)
    except UnreadableError as error:
        said = str(error)
    assert said and "\n" not in said and len(said) < 200, name


@pytest.mark.parametrize("wrap", [bytes, zipped])
def test_nothing_is_run(wrap: Callable[[bytes], bytes], tmp_path: Path) -> None:
    for name, data in canary(tmp_path / "canary"):
        refused(wrap(data), tmp_path / "x.pt", name)
        assert not (tmp_path / "canary").exists(), name


def test_the_canary_would_sing(tmp_path: Path) -> None:
    """What is refused above does run where somebody unpickles it."""
    pickle.loads(dict(canary(tmp_path / "canary"))["os.system"])
    assert (tmp_path / "canary").exists()


def test_bombs_and_lies_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SMALL", 1 << 20)
    for name, data in bombs():
        refused(data, tmp_path / "x.pt", name)


def test_a_shared_branch_is_walked_once(tmp_path: Path) -> None:
    """Ten lists of ten of the same list, thirty times over, would be 10^30 values."""
    tree: Any = {"x": torch.zeros(1)}
    for _ in range(30):
        tree = [tree] * 10
    torch.save(tree, tmp_path / "x.pt")
    with Checkpoint(tmp_path / "x.pt") as checkpoint:
        assert len(flat(checkpoint.tree).tensors) == 1


def test_a_list_in_itself_ends(tmp_path: Path) -> None:
    loop: list[Any] = [torch.zeros(1)]
    loop.append(loop)
    torch.save(loop, tmp_path / "x.pt")
    with Checkpoint(tmp_path / "x.pt") as checkpoint:
        assert len(flat(checkpoint.tree).tensors) == 1


@pytest.mark.parametrize("legacy", [False, True])
def test_every_kind_of_tensor_comes_as_torch_has_it(legacy: bool, tmp_path: Path) -> None:
    base = torch.arange(24).reshape(4, 6)
    kinds = (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
    saved: dict[str, Any] = {str(kind): base.to(kind) for kind in kinds}
    saved |= {
        "view": base.float()[1:3, ::2].T,
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(base.float()),
    }
    saved |= {"array": np.arange(6.0).reshape(2, 3), "number": np.float32(3.5), "size": torch.Size([1, 2]), "path": Path("a/b")}
    torch.save(saved, tmp_path / "x.pt", _use_new_zipfile_serialization=not legacy)
    with Checkpoint(tmp_path / "x.pt") as checkpoint:
        for name, value in saved.items():
            if isinstance(value, torch.Tensor):
                got = checkpoint.tree[name].load()
                assert got.dtype == value.dtype and torch.equal(got, value), name
        assert np.array_equal(checkpoint.tree["array"].array, saved["array"])
        assert checkpoint.tree["number"] == 3.5 and checkpoint.tree["size"] == (1, 2) and checkpoint.tree["path"] == "a/b"


def test_the_command_ends_with_6_and_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    file = tmp_path / "x.pt"
    file.write_bytes(zipped(pickle.dumps({"g_ema": Calls(os.system, f"touch {tmp_path / 'canary'}")})))
    assert main(["models", "import", str(file), "--as", "bad", "--license", "x"]) == 6
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and said[0].startswith("videdit: error: x.pt is refused: it wants to use posix.system")
    assert not (tmp_path / "canary").exists() and not (tmp_path / "data/videdit/packs/bad").exists()


def damaged(path: Path) -> list[Path]:
    """Two files of each format: one of them lies in wait behind a good head, for whoever reads its tensors."""
    state = {"x": torch.arange(4000.0)}
    torch.save(state, path / "a.pt")
    torch.save(state, path / "b.pt", _use_new_zipfile_serialization=False)
    np.savez_compressed(path / "c.npz", x=np.random.default_rng(0).random(4000))
    np.save(path / "d.npy", np.arange(4000))
    made = [path / name for name in ("a.pt", "b.pt", "c.npz", "d.npy")]
    for file in made:
        data = file.read_bytes()
        middle, end = len(data) // 2, len(data) - (200 if file.suffix == ".npz" else 0)  # of an .npz the list of arrays is whole
        file.write_bytes(data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 : end - 1] + data[end:])
    return made


def test_damage_is_said_in_a_line_whenever_it_is_met(tmp_path: Path) -> None:
    for file in damaged(tmp_path):
        with pytest.raises(UnreadableError, match=r"is (damaged|refused)"), Checkpoint(file) as checkpoint:
            for value in flat(checkpoint.tree).tensors.values():
                numbers(value)


def test_mutants_end_in_a_line_or_a_tensor(tmp_path: Path) -> None:
    state = {"g_ema": {"x": torch.arange(64.0), "y": torch.ones(3, 3)}}
    seeds = []
    for name, save in (("a.pt", torch.save), ("b.pt", functools.partial(torch.save, _use_new_zipfile_serialization=False))):
        save(state, tmp_path / name)
        seeds.append((tmp_path / name).read_bytes())
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "c.npz", x=np.arange(64.0), y=np.ones((3, 3)))
        seeds.append((tmp_path / "c.npz").read_bytes())
    rng, read = random.Random(2), 0
    for number in range(400):
        file = tmp_path / f"{number}.pt"
        file.write_bytes(mutate(rng.choice(seeds), rng, words=False)[0])
        with contextlib.suppress(UnreadableError), Checkpoint(file) as checkpoint:
            read += len([numbers(value) for value in flat(checkpoint.tree).tensors.values()])
    assert read


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.pt")
    with pytest.raises(UsageError, match="is no file"):
        Checkpoint(tmp_path / "x.pt")


@pytest.mark.parametrize(
    "change",
    [
        {"conv1.conv.blur.kernel": torch.ones(1, 1, 4, 4)},
        {"conv1.conv.blur.kernel": torch.ones(100_000)},
        {"conv1.conv.modulation.weight": torch.ones(())},
        {"to_rgb1.conv.weight": torch.ones(3)},
        {"to_rgb1.conv.weight": torch.ones(())},
        {"style.1.weight": torch.ones(8)},
        {"style.1.weight": torch.ones(8, 100_000)},
        {"to_rgbs.99999999999.conv.weight": torch.ones(1)},
        {"latent_avg": torch.ones(())},
    ],
    ids=str,
)
def test_shapes_that_make_no_sense_are_refused_or_left_out(change: dict[str, torch.Tensor], tmp_path: Path) -> None:
    state = checkpoints.rosinality([8, 8], style=8, mapping=1)
    torch.save({"g_ema": state | change}, tmp_path / "x.pt")
    with contextlib.suppress(UnreadableError), Checkpoint(tmp_path / "x.pt") as checkpoint:
        assert stylegan2.find(flat(checkpoint.tree)) is not None


def test_an_encoder_is_not_made_of_what_a_file_claims(tmp_path: Path) -> None:
    """Channels of layers that the file has no weights for would take terabytes."""
    ends = [sum(DEPTHS[: i + 1]) - 1 for i in range(len(DEPTHS))]
    state = {f"body.{end}.res_layer.3.weight": torch.ones(8192, 1, 1, 1) for end in ends}
    state |= {"input_layer.0.weight": torch.ones(8192, 3, 1, 1), "latlayer1.weight": torch.ones(1)}
    state |= {f"styles.{i}.linear.weight": torch.ones(8192, 1) for i in range(18)}
    torch.save({"state_dict": {f"encoder.{name}": value for name, value in state.items()}}, tmp_path / "e4e.pt")
    with pytest.raises(UnreadableError), Checkpoint(tmp_path / "e4e.pt") as checkpoint:
        encoders.find(flat(checkpoint.tree), file="e4e.pt")


def test_names_do_not_grow_without_end() -> None:
    key, tree = "x" * 400, dict[str, Any]({"y": Array()})
    for _ in range(10):
        tree = {key: tree}
    assert not flat(tree).tensors


def test_a_component_of_no_shape_is_none(tmp_path: Path) -> None:
    np.savez(tmp_path / "c.npz", act_comp=np.float32(1), act_stdev=np.float32(1))
    with pytest.raises(VideditError):
        directions.read(directions.asked(f"smile={tmp_path / 'c.npz'}"), mean=np.zeros(8, np.float32), num_layers=4, spread=1.0)
