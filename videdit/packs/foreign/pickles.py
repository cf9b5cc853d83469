"""Pickles read as data: a machine for the opcodes that builds plain containers and never imports, looks up or calls what a pickle names.

A pickle is a little program; `pickle.loads` runs it, and whoever wrote it chooses what is called. Here names stay names: a GLOBAL must
stand in `known`, which maps it to a function of ours that makes something inert of its arguments, or the whole file is refused. Objects of
classes become `Fields`: what they hold, and what their class was called. Dictionary keys are scalars, work is bounded by the
size of the file, and nothing recurses, so that a hostile file can only be refused.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from videdit.packs.foreign.bounded import Source

SCALARS = (str, int, float, bool, bytes, type(None))
BITS = 64  # of an integer; checkpoints hold sizes, counts and seeds
FREE = 1 << 24  # bytes or items that calls may copy before the file's own size counts


class RefusedError(ValueError):
    """What a file holds is not read; the message says what and why."""


@dataclass(frozen=True, slots=True)
class Name:
    """What GLOBAL names, `module.name`; stays a name."""

    text: str


class Fields(dict[Any, Any]):
    """What an object holds; kind: the name of its class. No code of the class exists here."""

    kind: str = ""


Maker = Callable[["Machine", tuple[Any, ...]], Any]


@dataclass(slots=True)
class Machine:
    """Reads one pickle. known: by full name what a call makes, None for names that are only mentioned; records: prefixes of classes that
    become `Fields`; persistent: what a persistent id stands for; budget: work left for calls."""

    known: Mapping[str, Maker | None]
    records: tuple[str, ...] = ()
    persistent: Callable[[Any], Any] | None = None
    budget: int = FREE
    stack: list[Any] = field(default_factory=list)
    marks: list[list[Any]] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def spend(self, amount: int) -> None:
        """Count work that copies something. Raises RefusedError when a small file asks for a lot of it."""
        self.budget -= amount
        if self.budget < 0:
            raise RefusedError("it would unfold to many times its size")

    def load(self, source: Source) -> Any:
        """The value of the pickle that begins where `source` stands. Raises RefusedError."""
        try:
            for opcode, argument, _at in pickletools.genops(source):  # type: ignore[arg-type]
                if opcode.name == "STOP":
                    return self._pop()
                self._step(opcode.name, argument)
        except RefusedError:
            raise
        except (ValueError, IndexError, KeyError, TypeError, OverflowError, MemoryError, AttributeError, EOFError, SyntaxError) as error:
            raise RefusedError(f"it is not a whole pickle ({type(error).__name__})") from None
        raise RefusedError("it is not a whole pickle")

    def _pop(self) -> Any:
        if not self.stack:
            raise RefusedError("it is not a whole pickle")
        return self.stack.pop()

    def _to_mark(self) -> list[Any]:
        """What was pushed since the last MARK."""
        items, self.stack = self.stack, self.marks.pop()
        return items

    def _step(self, name: str, argument: Any) -> None:
        if name in LITERALS:
            self.stack.append(whole(argument))
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name]())
        elif name in MEMO_WRITES:
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = self.stack[-1]
        elif name in MEMO_READS:
            self.stack.append(self.memo[argument])
        elif name in STEPS:
            STEPS[name](self, argument)
        elif name not in ("PROTO", "FRAME"):
            raise RefusedError(f"it uses {name}, which weights do not need")

    def named(self, module: str, name: str) -> Name:
        """A name that may stand in a checkpoint. Raises RefusedError."""
        full = f"{module}.{name}"
        if full not in self.known and not full.startswith(self.records):
            raise RefusedError(f"it wants to use {short(full)}, which is no part of weights")
        return Name(full)

    def call(self, function: Any, arguments: Any) -> Any:
        """What stands for the result of a call: nothing of what the pickle names is called. Raises RefusedError."""
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise RefusedError("it calls something that is no name")
        maker = self.known.get(function.text)
        if maker is not None:
            return maker(self, arguments)
        if function.text in self.known:
            raise RefusedError(f"it calls {short(function.text)}, which is no part of weights")
        return self.fields(function.text)

    def fields(self, kind: str) -> Fields:
        """An object of a class, empty. Raises RefusedError."""
        if kind not in self.known and not kind.startswith(self.records):
            raise RefusedError(f"it makes a {short(kind)}, which is no part of weights")
        made = Fields()
        made.kind = kind
        return made


def whole(value: Any) -> Any:
    """A literal. Raises RefusedError for integers that no checkpoint needs."""
    if isinstance(value, int) and value.bit_length() > BITS + 16:  # the magic number of torch.save has 77
        raise RefusedError(f"it holds a number of {value.bit_length()} bits")
    return value


def short(text: str) -> str:
    """A name from a file, fit for a line of a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text[:80])


def key_of(value: Any) -> Any:
    """A dictionary key. Raises RefusedError: hashing a deep tuple would recurse."""
    if isinstance(value, tuple) and len(value) <= 8 and all(isinstance(part, SCALARS) for part in value):
        return value
    if not isinstance(value, SCALARS):
        raise RefusedError("it has a dictionary whose keys are no plain values")
    return value


def _set_items(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, dict):
        raise RefusedError("it sets items of something that is no dictionary")
    for key, value in zip(items[::2], items[1::2], strict=True):
        target[key_of(key)] = value


def _append(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if not isinstance(target, list):
        raise RefusedError("it appends to something that is no list")
    target.extend(items)


def _take(machine: Machine, count: int) -> list[Any]:
    items = [machine._pop() for _ in range(count)]
    return items[::-1]


def _push(make: Callable[[Machine], Any]) -> Callable[[Machine, Any], None]:
    def step(machine: Machine, _argument: Any) -> None:
        value = make(machine)  # which may change what the stack is
        machine.stack.append(value)

    return step


def _mark(machine: Machine, _argument: Any) -> None:
    machine.marks.append(machine.stack)
    machine.stack = []


def _discard(machine: Machine, _argument: Any) -> None:
    machine._to_mark()


def _global(machine: Machine, argument: str) -> None:
    module, _, name = argument.partition(" ")
    machine.stack.append(machine.named(module, name))


def _stack_global(machine: Machine, _argument: Any) -> None:
    module, name = _take(machine, 2)
    if not isinstance(module, str) or not isinstance(name, str):
        raise RefusedError("it uses something by a name that is no text")
    machine.stack.append(machine.named(module, name))


def _build(machine: Machine, _argument: Any) -> None:
    """BUILD gives an object its state: `Fields` take it, dictionaries (state dicts with remarks) do without, others know what to do."""
    state, target = machine._pop(), machine.stack[-1]
    if isinstance(target, Fields):
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict):
                machine.spend(len(part))
                target.update(part)
    elif hasattr(target, "set_state"):
        target.set_state(machine, state)
    elif not isinstance(target, dict):
        raise RefusedError("it gives a state to something that has none")


def _new(machine: Machine, cls: Any) -> Any:
    if not isinstance(cls, Name):
        raise RefusedError("it makes an object of something that is no class")
    return machine.fields(cls.text)


def _newobj(machine: Machine, count: int) -> Any:
    cls, *arguments = _take(machine, count)
    maker = machine.known.get(cls.text) if isinstance(cls, Name) else None
    return maker(machine, arguments[0]) if maker and count == 2 else _new(machine, cls)


def _persistent(machine: Machine, _argument: Any) -> None:
    if machine.persistent is None:
        raise RefusedError("it refers to something outside it")
    machine.stack.append(machine.persistent(machine._pop()))


def _dict(machine: Machine) -> dict[Any, Any]:
    items = machine._to_mark()
    return {key_of(key): value for key, value in zip(items[::2], items[1::2], strict=True)}


def _pop_one(machine: Machine, _argument: Any) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine._to_mark()


LITERALS = frozenset(
    "INT BININT BININT1 BININT2 LONG LONG1 LONG4 FLOAT BINFLOAT UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8 STRING BINSTRING "
    "SHORT_BINSTRING BINBYTES SHORT_BINBYTES BINBYTES8 BYTEARRAY8".split()
)
CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": list,
}
MEMO_WRITES = frozenset(("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"))
MEMO_READS = frozenset(("GET", "BINGET", "LONG_BINGET"))
STEPS: dict[str, Callable[[Machine, Any], None]] = {
    "MARK": _mark,
    "POP": _pop_one,
    "POP_MARK": _discard,
    "DUP": _push(lambda machine: machine.stack[-1]),
    "LIST": _push(lambda machine: machine._to_mark()),
    "TUPLE": _push(lambda machine: tuple(machine._to_mark())),
    "FROZENSET": _push(lambda machine: machine._to_mark()),
    "DICT": _push(_dict),
    "TUPLE1": _push(lambda machine: tuple(_take(machine, 1))),
    "TUPLE2": _push(lambda machine: tuple(_take(machine, 2))),
    "TUPLE3": _push(lambda machine: tuple(_take(machine, 3))),
    "APPEND": lambda machine, _argument: _append(machine, _take(machine, 1)),
    "APPENDS": lambda machine, _argument: _append(machine, machine._to_mark()),
    "ADDITEMS": lambda machine, _argument: _append(machine, machine._to_mark()),
    "SETITEM": lambda machine, _argument: _set_items(machine, _take(machine, 2)),
    "SETITEMS": lambda machine, _argument: _set_items(machine, machine._to_mark()),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _push(lambda machine: machine.call(*_take(machine, 2))),
    "NEWOBJ": _push(lambda machine: _newobj(machine, 2)),
    "NEWOBJ_EX": _push(lambda machine: _newobj(machine, 3)),
    "BUILD": _build,
    "BINPERSID": _persistent,
}
