"""The release number, in the one place from which the package, the API document and the CLI read it."""

VERSION = "0.1.0"
