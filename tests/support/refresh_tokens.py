"""Texts that are almost refresh tokens."""

LOCATOR, SECRET = "A" * 22, "A" * 43

MALFORMED = {
    "nothing": "",
    "no dot": LOCATOR + SECRET,
    "no secret": f"{LOCATOR}.",
    "no locator": f".{SECRET}",
    "a short locator": f"{LOCATOR[1:]}.{SECRET}",
    "a long locator": f"A{LOCATOR}.{SECRET}",
    "a short secret": f"{LOCATOR}.{SECRET[1:]}",
    "a long secret": f"{LOCATOR}.{SECRET}A",
    "three parts": f"{LOCATOR}.{SECRET}.{SECRET}",
    "padding": f"{LOCATOR}.{SECRET}=",
    "plain base64": f"{LOCATOR}.{SECRET[2:]}+/",
    "bits that no encoder sets": f"{LOCATOR}.{SECRET[1:]}B",
    "a space before": f" {LOCATOR}.{SECRET}",
    "a line end": f"{LOCATOR}.{SECRET}\n",
    "digits of another script": f"{LOCATOR}.{SECRET[1:]}\u0661",
    "a letter with a long form": f"{LOCATOR}.{SECRET[1:]}\u017f",
    "NUL": f"{LOCATOR}.{SECRET[1:]}\0",
    "very long": f"{LOCATOR}.{SECRET * 1000}",
}
