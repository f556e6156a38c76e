# A client of WhisperLive as its own Python client is: the package websocket with callbacks in a thread of its own, the audio
# from another one, and END_OF_AUDIO only when what was said last is completed. Prints what came, a line each.
import array
import json
import sys
import threading
import wave

import websocket

ready, completed = threading.Event(), threading.Event()


def on_open(app):
    app.send(json.dumps({"uid": "u1", "language": "en", "task": "transcribe", "model": "small", "use_vad": True}))


def on_message(app, text):
    message = json.loads(text)
    print(json.dumps(message))
    if message.get("message") == "SERVER_READY":
        ready.set()
    if message.get("segments", [{}])[-1].get("completed"):
        completed.set()


def on_close(app, code, reason):
    print(json.dumps({"close": code}))
    ready.set()
    completed.set()


def main(uri, path):
    with wave.open(path, "rb") as clip:
        samples = array.array("h", clip.readframes(clip.getnframes()))
    floats = array.array("f", (s / 32768 for s in samples))
    app = websocket.WebSocketApp(uri, on_open=on_open, on_message=on_message, on_close=on_close)
    thread = threading.Thread(target=app.run_forever)
    thread.start()
    ready.wait()
    for at in range(0, len(floats), 4096):
        app.send(floats[at : at + 4096].tobytes(), websocket.ABNF.OPCODE_BINARY)
    completed.wait()
    app.send(b"END_OF_AUDIO", websocket.ABNF.OPCODE_BINARY)
    thread.join()


main(*sys.argv[1:])
