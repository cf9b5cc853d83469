"""videdit models list|show|verify: the model packs on this machine; get: public files; import: public checkpoints."""

from __future__ import annotations

import json
from collections.abc import Sequence

from videdit.cli.parser import Parser
from videdit.cli.say import say
from videdit.config import DEFAULT_PACK
from videdit.errors import PackError
from videdit.packs.manifest import Manifest, find_pack, find_packs, read_manifest, search_folders


def build() -> Parser:
    """The parser."""
    text = "list: the packs found. show: what one holds, with licences. verify: check every file of packs."
    text += "\nget: fetch public files, see `videdit models get --help`."
    text += "\nimport: a pack out of a public checkpoint; see `videdit models import`."
    parser = Parser("videdit models", "videdit models list|show|verify [NAME|PATH ...] [--json]", text)
    parser.add_argument("action", choices=("list", "show", "verify"), help="what to do")
    parser.add_argument(
        "packs", nargs="*", metavar="NAME|PATH", help=f"packs; show takes {DEFAULT_PACK} by default, verify all that are found"
    )
    parser.add_argument("--json", action="store_true", help="as JSON (list, show)")
    return parser


def run(argv: Sequence[str]) -> int:
    """Run the command."""
    if argv[:1] == ["get"]:
        from videdit.cli import models_get

        return models_get.run(argv[1:])
    if argv[:1] == ["import"]:
        from videdit.cli import models_import

        return models_import.run(argv[1:])
    space = build().parse(argv)
    if space.action == "list":
        return _list(as_json=space.json)
    if space.action == "show":
        for name in space.packs or [DEFAULT_PACK]:
            _show(read_manifest(find_pack(name)), as_json=space.json)
        return 0
    return _verify(space.packs or list(find_packs()))


def _list(*, as_json: bool) -> int:
    rows = []
    for name, folder in find_packs().items():
        try:
            manifest = read_manifest(folder)
            rows.append(
                {"name": name, "version": manifest.version, "size": manifest.size, "license": manifest.license, "folder": str(folder)}
            )
        except PackError as error:
            rows.append({"name": name, "error": str(error), "folder": str(folder)})
    if as_json:
        say(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        words = row.get("error") or f"version {row['version']}, {row['size']} px, {row['license']}"
        say(f"{row['name']:<16} {words}  {row['folder']}")
    if not rows:
        say("no model pack; looked in " + ", ".join(map(str, search_folders())))
    return 0


def _show(manifest: Manifest, *, as_json: bool) -> None:
    if as_json:
        say(json.dumps({"id": manifest.id, "folder": str(manifest.root), **manifest.tables}, indent=2, default=str))
        return
    say(f"{manifest.name} version {manifest.version} ({manifest.created}), id {manifest.id}")
    say(f"  {manifest.root}")
    frame = f"{manifest.frame_scale:g} {manifest.frame_shift:+g}"
    say(f"  {manifest.size} px, {manifest.num_layers} style layers of {manifest.style_dim}, face frame {frame}")
    say(f"  licence: {manifest.license}" + (f"; {manifest.licence_note}" if manifest.licence_note else ""))
    for part in manifest.parts:
        path = manifest.root / part.file
        size = f"{path.stat().st_size / 1e6:.1f} MB" if path.is_file() else "missing"
        say(f"  {part.name:<11} {size:>8}  {part.license}  {part.trained_on}")
    for method, does in (("pixel", "redraws"), ("prototype", "lays on")):
        if made := manifest.transforms(method):
            say(f"  {method} {does}: {', '.join(manifest.flag(name) for name in made)}")
    say(f"  {len(manifest.attributes)} attributes: {', '.join(manifest.attributes)}")


def _verify(packs: Sequence[str]) -> int:
    """Raises PackError when anything is wrong."""
    from videdit.packs.load import load_pack
    from videdit.packs.verify import verify

    find_pack(packs[0] if packs else DEFAULT_PACK)  # a hint where packs are looked for, when there is none
    wrong = 0
    for name in packs:
        for check in verify(load_pack(name)):
            wrong += bool(check.problem)
            say(f"{name}: {check.subject}: {check.problem or 'ok'}")
    if wrong:
        raise PackError(f"{wrong} problem{'s' if wrong > 1 else ''} found", hint="Install the pack again, or train what is wrong.")
    return 0
