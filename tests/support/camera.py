"""A camera in front of a screen: what a reader that is not ours sees in an SVG of a QR code."""

import re

import zxingcpp


def scan(svg: str) -> str:
    """Draw the strokes of the SVG's path, line by line, and return what the picture says."""
    width, height, scale = (
        int(number)
        for number in re.findall(r'(?:width|height)="(\d+)"|scale\((\d+)\)', svg)
        for number in number
        if number
    )
    strokes = re.search(r'class="qrline" stroke="#000" d="([^"]+)"', svg)
    assert strokes
    picture = bytearray(b"\xff") * (width * height)
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", strokes[1]):
        parts = [float(number) for number in numbers.split()]
        if command == "h":
            for row in range(int(scale * (y - 0.5)), int(scale * (y + 0.5))):
                start = row * width + int(scale * x)
                picture[start : start + int(scale * parts[0])] = bytes(int(scale * parts[0]))
            x += parts[0]
        else:
            x, y = (parts[0], parts[1]) if command == "M" else (x + parts[0], y + parts[1])
    barcode = zxingcpp.read_barcode(memoryview(picture).cast("B", shape=(height, width)))
    assert barcode is not None
    assert barcode.format == zxingcpp.BarcodeFormat.QRCode
    return barcode.text
