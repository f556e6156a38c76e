"""Deepgram's Python SDK, 3 or 5 to 7, with a stream: each message that it tells, as JSON lines, from a WAV file of 16 kHz that is sent
as raw audio. OPTIONS is a JSON object; "configure" in it is sent as a Configure message, which SDKs before 7 do not know.
usage: deepgram_live.py HOST:PORT FILE OPTIONS"""
import json
import sys
import threading
import wave

import deepgram

address, file, options = sys.argv[1:]
options = {"encoding": "linear16", "sample_rate": 16000, **json.loads(options)}
configure = options.pop("configure", None)


def pieces():
    with wave.open(file) as clip:
        while piece := clip.readframes(1600):
            yield piece


def tell(message):
    print("\n" + (message.to_json() if hasattr(message, "to_json") else message.json()), flush=True)


def with_3():
    events = deepgram.LiveTranscriptionEvents
    client = deepgram.DeepgramClient("any", deepgram.DeepgramClientOptions(url=f"http://{address}"))
    live = client.listen.websocket.v("1")
    ended = threading.Event()

    def on_metadata(_, metadata, **more):
        tell(metadata)
        ended.set()

    live.on(events.Transcript, lambda _, result, **more: tell(result))
    live.on(events.UtteranceEnd, lambda _, utterance_end, **more: tell(utterance_end))
    live.on(events.SpeechStarted, lambda _, speech_started, **more: tell(speech_started))
    live.on(events.Error, lambda _, error, **more: print(f"\n{json.dumps({'error': str(error)})}", flush=True))
    live.on(events.Metadata, on_metadata)
    if not live.start(deepgram.LiveOptions(**options)):
        sys.exit("it did not start")
    for piece in pieces():
        live.send(piece)
    live.send(json.dumps({"type": "CloseStream"}))
    ended.wait(60)
    live.finish()


def with_5():
    from deepgram.core.events import EventType
    from deepgram.environment import DeepgramClientEnvironment

    names = {n: f"ws://{address}" for n in ("base", "production", "agent", "agent_rest")}
    if not hasattr(DeepgramClientEnvironment.PRODUCTION, "agent_rest"):
        del names["agent_rest"]
    client = deepgram.DeepgramClient(api_key="any", environment=DeepgramClientEnvironment(**names))
    with client.listen.v1.connect(**options) as live:
        live.on(EventType.MESSAGE, tell)
        live.on(EventType.ERROR, lambda e: print(f"\n{json.dumps({'error': repr(e)})}", flush=True))
        listener = threading.Thread(target=live.start_listening)
        listener.start()
        if configure is not None:
            from deepgram.listen.v1.types import ListenV1Configure

            live.send_configure(ListenV1Configure(**configure))
        for piece in pieces():
            live.send_media(piece)
        if hasattr(live, "send_close_stream"):
            live.send_close_stream()
        else:
            from deepgram.extensions.types.sockets import ListenV1ControlMessage

            live.send_control(ListenV1ControlMessage(type="CloseStream"))
        listener.join(60)


if hasattr(deepgram, "LiveOptions"):
    with_3()
else:
    with_5()
