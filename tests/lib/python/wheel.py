"""Writes a wheel: wheel.py DIRECTORY NAME VERSION [ENTRY=FILE]...; as little of one as pip downloads."""
import sys
import zipfile

directory, name, version, *entries = sys.argv[1:]
base = name.replace("-", "_")
info = f"{base}-{version}.dist-info"
with zipfile.ZipFile(f"{directory}/{base}-{version}-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
    for entry in entries:
        inside, file = entry.split("=", 1)
        wheel.write(file, inside)
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{info}/RECORD", "")
