"""WhisperLive's TranscriptionClient with a file: what it returns and what is in its SRT, as JSON. It waits 15 s for more when the
file has been sent, and no longer here than until SENTENCES are completed: the server completes what stalls by itself.
usage: whisper_live_file.py HOST PORT FILE DIRECTORY SENTENCES"""
import json
import os
import pathlib
import sys
import threading
import time

sys.path.append(str(pathlib.Path(__file__).parent / "stand-ins"))
from whisper_live.client import TranscriptionClient

host, port, file, directory, sentences = sys.argv[1:]


def end_when_complete(client):
    while len(client.transcript) < int(sentences):
        time.sleep(0.05)
    client.disconnect_if_no_response_for = 0


os.chdir(directory)
all_of_it = TranscriptionClient(host, int(port), lang="en", mute_audio_playback=True, log_transcription=False,
                                output_transcription_path="./out.srt")
all_of_it.client.disconnect_if_no_response_for = 60
threading.Thread(target=end_when_complete, args=[all_of_it.client], daemon=True).start()
text = all_of_it(file)
print("\n" + json.dumps({
    "text": text,
    "segments": [[s["text"], s["completed"]] for s in all_of_it.client.transcript],
    "srt": pathlib.Path("out.srt").read_text(),
}))
