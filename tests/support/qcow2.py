"""Reads a qcow2 disk image (versions 2 and 3, no backing file, no encryption) into a sparse raw file.

Format: https://www.qemu.org/docs/master/interop/qcow2.html
"""

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

_COMPRESSED = 1 << 62
_OFFSET_MASK = 0x00FF_FFFF_FFFF_FE00
_READS_AS_ZERO = 1


def convert(source: Path, target: Path) -> None:
    """Write the guest's disk to `target`; clusters that were never written stay holes."""
    with source.open("rb") as image, target.open("wb") as raw:
        header = image.read(72)
        magic, version, backing, _, bits, size, crypt, entries, table = struct.unpack(">IIQIIQIIQ", header[:48])
        if magic != 0x514649FB or version not in (2, 3) or backing or crypt:
            raise ValueError(f"{source} is not a plain qcow2 image")
        raw.truncate(size)
        for number, l2 in enumerate(_table(image, table, entries)):
            if l2 & _OFFSET_MASK:
                _convert_l2(image, raw, l2 & _OFFSET_MASK, bits, number << (2 * bits - 3))


def _convert_l2(image: BinaryIO, raw: BinaryIO, offset: int, bits: int, start: int) -> None:
    for number, entry in enumerate(_table(image, offset, 1 << (bits - 3))):
        cluster = _cluster(image, entry, bits)
        if cluster is not None:
            raw.seek(start + (number << bits))
            raw.write(cluster)


def _table(image: BinaryIO, offset: int, entries: int) -> tuple[int, ...]:
    image.seek(offset)
    return struct.unpack(f">{entries}Q", image.read(8 * entries))


def _cluster(image: BinaryIO, entry: int, bits: int) -> bytes | None:
    size = 1 << bits
    if entry & _COMPRESSED:
        shift = 62 - (bits - 8)
        offset = entry & ((1 << shift) - 1)
        sectors = (entry >> shift & ((1 << (bits - 8)) - 1)) + 1
        image.seek(offset)
        packed = image.read(sectors * 512 - offset % 512)
        return zlib.decompressobj(-12).decompress(packed, size)
    if not entry & _OFFSET_MASK or entry & _READS_AS_ZERO:
        return None
    image.seek(entry & _OFFSET_MASK)
    return image.read(size)
