"""Vosk's transcriber, as `vosk-transcriber --server` runs it, with a server of any address; it loads a model even where a server
hears, so there is none in its place. Prints what is understood, as text and with the words' times.
usage: vosk_transcriber.py URL FILE"""
import argparse
import asyncio
import json
import sys

from vosk.transcriber import transcriber

url, file = sys.argv[1:]
transcriber.Model = lambda **_: None
t = transcriber.Transcriber(argparse.Namespace(model=None, model_name=None, lang=None, server=url, output_type="txt"))


async def main():
    result, _ = await t.recognize_stream_server(await t.resample_ffmpeg_async(file))
    text = t.format_result(result)
    t.args.output_type = "srt"
    print(json.dumps({"text": text, "srt": t.format_result(result)}))


asyncio.run(main())
