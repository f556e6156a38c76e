"""WhisperLive's StreamingTranscriptionClient with a WAV file of 16 kHz: its callbacks, as JSON lines.
usage: whisper_live_stream.py HOST PORT FILE"""
import json
import pathlib
import sys
import wave

sys.path.append(str(pathlib.Path(__file__).parent / "stand-ins"))
from whisper_live.client import StreamingTranscriptionClient

host, port, file = sys.argv[1:]


def say(what):
    return lambda text, _: print("\n" + json.dumps({what: text}), flush=True)


client = StreamingTranscriptionClient(host, int(port), lang="en", on_partial_transcript=say("partial"),
                                      on_committed_transcript=say("committed"))
with client, wave.open(file) as clip:
    while chunk := clip.readframes(1600):
        client.send(chunk)
print("\n" + json.dumps({"transcript": " ".join(s["text"].strip() for s in client.transcript)}))
