#!/usr/bin/env python3
"""What a browser and a client of OpenAI's ask a server first, with Python alone.
usage: rest.py URL              fetches the page and what it loads
       rest.py URL FILE WORDS   uploads FILE, prints its text, fails if that does not have WORDS"""
import json
import re
import sys
import urllib.parse
import urllib.request

url = sys.argv[1]


def get(path):
    with urllib.request.urlopen(urllib.parse.urljoin(url, path), timeout=60) as answer:
        return answer.read()


def page():
    html = get("/").decode()
    parts = re.findall(r"""(?:src|href)=["']?([\w./-]+\.(?:js|css))""", html)
    assert "<html" in html.lower() and parts, html[:300]
    print(len(html), "bytes, and", {part: len(get(part)) for part in parts})


def upload(file, words):
    edge = "------------------------first-day"
    fields = {"model": "whisper-1", "response_format": "json"}
    body = b"".join(
        f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items())
    body += f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{file}"\r\n\r\n'.encode()
    body += open(file, "rb").read() + f"\r\n--{edge}--\r\n".encode()
    ask = urllib.request.Request(urllib.parse.urljoin(url, "/v1/audio/transcriptions"), body,
                                 {"Content-Type": f"multipart/form-data; boundary={edge}"})
    with urllib.request.urlopen(ask, timeout=300) as answer:
        text = json.load(answer)["text"]
    print(text)
    assert words in text, text


page() if len(sys.argv) == 2 else upload(*sys.argv[2:4])
