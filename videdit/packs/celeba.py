"""The 40 attributes of CelebA (Liu et al., ICCV 2015), and people's names for those a tight face frame shows.

Left out of FACE_ATTRIBUTES: what lies outside the frame (hair colours, hats, earrings, necklaces, neckties, baldness), what is
no change to a face (Blurry), and Attractive, which says more about the people who labelled it.
"""

from __future__ import annotations

from typing import Any

CELEBA: tuple[str, ...] = (
    "5_o_Clock_Shadow",
    "Arched_Eyebrows",
    "Attractive",
    "Bags_Under_Eyes",
    "Bald",
    "Bangs",
    "Big_Lips",
    "Big_Nose",
    "Black_Hair",
    "Blond_Hair",
    "Blurry",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Chubby",
    "Double_Chin",
    "Eyeglasses",
    "Goatee",
    "Gray_Hair",
    "Heavy_Makeup",
    "High_Cheekbones",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Narrow_Eyes",
    "No_Beard",
    "Oval_Face",
    "Pale_Skin",
    "Pointy_Nose",
    "Receding_Hairline",
    "Rosy_Cheeks",
    "Sideburns",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Earrings",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Wearing_Necklace",
    "Wearing_Necktie",
    "Young",
)

# name, CelebA's name, sign, help, other names
_VISIBLE: tuple[tuple[str, str, int, str, str], ...] = (
    ("smile", "Smiling", 1, "more or less of a smile", "happy"),
    ("age", "Young", -1, "older (+) or younger (-)", "old older"),
    ("male", "Male", 1, "more masculine (+) or more feminine (-)", "gender masculine"),
    ("eyeglasses", "Eyeglasses", 1, "eyeglasses on (+) or off (-)", "glasses spectacles"),
    ("mouth-open", "Mouth_Slightly_Open", 1, "mouth open (+) or closed (-)", "open-mouth"),
    ("beard", "No_Beard", -1, "a beard (+) or none (-)", ""),
    ("mustache", "Mustache", 1, "a mustache", "moustache"),
    ("goatee", "Goatee", 1, "a goatee", ""),
    ("sideburns", "Sideburns", 1, "sideburns", ""),
    ("stubble", "5_o_Clock_Shadow", 1, "the shadow of a beard shaved this morning", "five-o-clock-shadow"),
    ("bangs", "Bangs", 1, "hair over the forehead", "fringe"),
    ("bushy-eyebrows", "Bushy_Eyebrows", 1, "thicker (+) or thinner (-) eyebrows", ""),
    ("arched-eyebrows", "Arched_Eyebrows", 1, "eyebrows arched (+) or straight (-)", ""),
    ("narrow-eyes", "Narrow_Eyes", 1, "eyes narrowed (+) or wide open (-)", ""),
    ("bags-under-eyes", "Bags_Under_Eyes", 1, "bags under the eyes", "eye-bags tired"),
    ("big-nose", "Big_Nose", 1, "a bigger (+) or smaller (-) nose", "nose"),
    ("pointy-nose", "Pointy_Nose", 1, "a more pointed (+) or rounder (-) nose", ""),
    ("big-lips", "Big_Lips", 1, "fuller (+) or thinner (-) lips", "lips"),
    ("lipstick", "Wearing_Lipstick", 1, "lipstick", ""),
    ("makeup", "Heavy_Makeup", 1, "make-up", "make-up"),
    ("pale-skin", "Pale_Skin", 1, "paler (+) or less pale (-) skin", "pale"),
    ("rosy-cheeks", "Rosy_Cheeks", 1, "red cheeks", "blush"),
    ("high-cheekbones", "High_Cheekbones", 1, "cheekbones higher (+) or lower (-)", "cheekbones"),
    ("chubby", "Chubby", 1, "a rounder (+) or slimmer (-) face", "plump"),
    ("double-chin", "Double_Chin", 1, "a double chin", ""),
    ("oval-face", "Oval_Face", 1, "a more oval face", ""),
)

FACE_ATTRIBUTES: dict[str, dict[str, Any]] = {
    name: {"source": source, "sign": sign, "help": text, "aliases": others.split()} for name, source, sign, text, others in _VISIBLE
}
