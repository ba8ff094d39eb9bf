"""QR codes as SVG: what a camera reads off a screen."""

import io

_SCALE = 4
_QUIET_ZONE = 4  # modules; ISO/IEC 18004 asks for as many


def svg_qr_code(text: str) -> str:
    """Return an SVG document that stands for `text`, dark on light whatever it is shown on."""
    import segno  # noqa: PLC0415 - for the few who enrol

    written = io.BytesIO()
    code = segno.make_qr(text, error="m")
    code.save(written, kind="svg", scale=_SCALE, border=_QUIET_ZONE, dark="#000", light="#fff", xmldecl=False, nl=False)
    return written.getvalue().decode()
